/** Consul's intentions as its API lists them: read from raw rows, the last good one kept. */

import { canonicalJson } from '../canonical-json.ts'
import type { Json } from '../entity.ts'
import type { Problem } from '../problem.ts'

export type Action = 'allow' | 'deny'

/** Who may call whom; `*` is every service. */
export interface Intention {
  readonly source: string
  readonly destination: string
  /** Of an intention with permissions what each of them says, in order. */
  readonly says: Action | readonly Permission[]
}

export interface Permission {
  readonly action: Action
  /** It is about every request, whatever its path, headers and method. */
  readonly isForAll: boolean
}

export interface AcceptedIntentions {
  /** Sorted by destination and source; the same list while nothing of it changed. */
  readonly list: readonly Intention[]
  readonly problems: readonly Problem[]
}

export const WILDCARD = '*'

/**
 * @param previous what was accepted last: a row that cannot be read now stays as it was, or denies where there was none
 * @param rows of `GET /v1/connect/intentions`, which has the same form on every version (1.8.7 to current)
 */
export function acceptIntentions(
  previous: AcceptedIntentions | null,
  rows: readonly unknown[],
): AcceptedIntentions {
  const problems: Problem[] = []
  const before = new Map((previous?.list ?? []).map((each) => [pairOf(each), each]))
  const found = new Map<string, Intention>()
  for (const row of rows) {
    const read = readRow(row, before)
    if (read.problem !== null) problems.push(read.problem)
    if (read.intention !== null) found.set(pairOf(read.intention), read.intention)
  }
  const list = [...found.values()].sort((left, right) => (pairOf(left) < pairOf(right) ? -1 : 1))
  const isSame = previous !== null && textOf(previous.list) === textOf(list)
  return { list: isSame ? previous.list : list, problems }
}

interface Read {
  readonly intention: Intention | null
  readonly problem: Problem | null
}

interface Row {
  readonly SourceName?: unknown
  readonly SourceNS?: unknown
  readonly SourcePeer?: unknown
  readonly SourceSamenessGroup?: unknown
  readonly SourcePartition?: unknown
  readonly SourceType?: unknown
  readonly DestinationName?: unknown
  readonly Action?: unknown
  readonly Permissions?: unknown
  /** Of the whole entry: tokens that users have to show as well. */
  readonly JWT?: unknown
}

function readRow(raw: unknown, before: ReadonlyMap<string, Intention>): Read {
  const row = (typeof raw === 'object' && raw !== null ? raw : {}) as Row
  const { SourceName: source, DestinationName: destination } = row
  if (!isName(source) || !isName(destination)) {
    const message = `an intention names no source or destination: ${JSON.stringify(raw)?.slice(0, 80)}; it is left out`
    return { intention: null, problem: problemOf('INTENTION_INVALID', 'error', '', message) }
  }
  const what = `intention ${source} -> ${destination}`
  const elsewhere = placeOf(row)
  if (elsewhere !== null) {
    const message = `${what}: ${elsewhere} cannot be told from others at the gateway; the intention has no effect, and they count as callers that no intention names`
    return { intention: null, problem: problemOf('INTENTION_UNSUPPORTED', 'warning', destination, message) }
  }
  const says = sayingOf(row)
  if (!isEmpty(row.JWT) && says !== 'deny') {
    const message = `${what}: callers need tokens of users as well (JWT), which the gateway cannot ask for: ${source} is kept out altogether`
    const problem = problemOf('INTENTION_UNSUPPORTED', 'warning', destination, message)
    return { intention: { source, destination, says: 'deny' }, problem }
  }
  if (typeof says !== 'string') return { intention: { source, destination, says }, problem: null }
  if (says === 'allow' || says === 'deny') return { intention: { source, destination, says }, problem: null }
  const kept = before.get(pairOf({ source, destination }))
  const rest = kept === undefined ? 'it denies until it can be read' : 'the last good one stays'
  return {
    intention: kept ?? { source, destination, says: 'deny' },
    problem: problemOf('INTENTION_INVALID', 'error', destination, `${what}: ${says}; ${rest}`),
  }
}

/** Callers of other clusters and namespaces have no identity here. */
function placeOf({
  SourcePeer,
  SourceSamenessGroup,
  SourceNS,
  SourcePartition,
  SourceType,
}: Row): string | null {
  if (isName(SourcePeer)) return `callers of the peer ${SourcePeer}`
  if (isName(SourceSamenessGroup)) return `callers of the sameness group ${SourceSamenessGroup}`
  if (isName(SourceNS) && SourceNS !== 'default') return `callers of the namespace ${SourceNS}`
  if (isName(SourcePartition) && SourcePartition !== 'default')
    return `callers of the partition ${SourcePartition}`
  if (isName(SourceType) && SourceType !== 'consul') return `sources of type ${SourceType}`
  return null
}

/** What it says, or in words why that cannot be read. */
function sayingOf({ Action: action, Permissions: permissions }: Row): Intention['says'] | string {
  if (action === 'allow' || action === 'deny') return action
  if (!Array.isArray(permissions) || permissions.length === 0)
    return `Action is ${JSON.stringify(action ?? null)}, which is neither allow nor deny`
  const read: Permission[] = []
  for (const each of permissions as readonly { Action?: unknown; HTTP?: unknown; JWT?: unknown }[]) {
    const said = each?.Action
    if (said !== 'allow' && said !== 'deny')
      return `Permissions has the action ${JSON.stringify(said ?? null)}`
    read.push({ action: said, isForAll: isForAll(each.HTTP) && isEmpty(each.JWT) })
  }
  return read
}

function isForAll(http: unknown): boolean {
  if (typeof http !== 'object' || http === null) return true
  return Object.entries(http).every(
    ([field, value]) => isEmpty(value) || (field === 'PathPrefix' && value === '/'),
  )
}

const isEmpty = (value: unknown): boolean =>
  value === null || value === undefined || value === '' || (Array.isArray(value) && value.length === 0)

const isName = (value: unknown): value is string => typeof value === 'string' && value !== ''

const pairOf = ({ source, destination }: Pick<Intention, 'source' | 'destination'>): string =>
  JSON.stringify([destination, source])

const textOf = (list: readonly Intention[]): string => canonicalJson(list as unknown as Json)

function problemOf(code: string, severity: Problem['severity'], service: string, message: string): Problem {
  return { code, severity, service: service === WILDCARD ? '' : service, message }
}
