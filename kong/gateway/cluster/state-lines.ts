/** The lines of a state file: the first has all rows, each of the others a commit. */

import type { Collection } from '../schema/entities/entity-definition.ts'
import { COLLECTIONS } from '../schema/schemas.ts'
import type { Row } from '../store.ts'

/** A row as it is from now on; null when it is gone. */
export type RowChange = readonly [collection: Collection, id: string, row: Row | null]

/** A mark set by hand at one node, for the others. */
export interface Mark {
  /** In the order of all marks of all nodes. */
  readonly sequence: number
  readonly node: string
  readonly upstreamId: string
  readonly target: string
  readonly address: string | null
  readonly healthy: boolean
}

export interface Commit {
  readonly changes: readonly RowChange[]
  readonly marks?: readonly Mark[]
  /** Of the configuration of a node without database. */
  readonly configurationHash?: string
}

export interface Snapshot {
  readonly rows: ReadonlyMap<Collection, readonly Row[]>
  readonly marks: readonly Mark[]
  readonly configurationHash: string | undefined
}

const FORMAT = 'kongsul-gateway-1'

export function snapshotLine({ rows, marks, configurationHash }: Snapshot): string {
  const text = JSON.stringify({ format: FORMAT, ...Object.fromEntries(rows), marks, configurationHash })
  return `${text}\n`
}

/** @throws SyntaxError for anything else. */
export function parseSnapshot(text: string): Snapshot {
  const saved: unknown = JSON.parse(text)
  if (!isObject(saved) || saved['format'] !== FORMAT) throw new SyntaxError(`no "format": "${FORMAT}"`)
  const rows = COLLECTIONS.map((collection): [Collection, Row[]] => {
    const list = saved[collection] ?? []
    if (!Array.isArray(list) || !list.every(isRow)) {
      throw new SyntaxError(`${collection} is not a list of rows with ids`)
    }
    return [collection, list]
  })
  const { marks, configurationHash } = saved as { marks?: Mark[]; configurationHash?: string }
  return { rows: new Map(rows), marks: marks ?? [], configurationHash }
}

/** @throws SyntaxError for anything else. */
export function parseCommit(text: string): Commit {
  const commit: unknown = JSON.parse(text)
  const changes = isObject(commit) ? commit['changes'] : undefined
  if (!Array.isArray(changes) || !changes.every(isChange)) throw new SyntaxError('a line is not a commit')
  return commit as unknown as Commit
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isRow = (row: unknown): row is Row => isObject(row) && typeof row['id'] === 'string'

const isChange = (change: unknown): boolean =>
  Array.isArray(change) &&
  COLLECTIONS.includes(change[0]) &&
  typeof change[1] === 'string' &&
  (change[2] === null || isRow(change[2]))
