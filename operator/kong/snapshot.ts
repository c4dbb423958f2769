// All that a Kong holds, in a form that it can be given back from.
import { z } from 'zod'
import { inParallel } from '../consul/in-parallel.ts'
import type { JsonObject } from '../core/kong-json.ts'
import {
  type Collections,
  planRestore,
  type RowChange,
  SAVED,
  targetsOf,
  writable,
} from '../core/restore-plan.ts'
import { parseConfigText } from './config-text.ts'
import type { KongAdmin } from './kong-admin.ts'
import { KongError } from './kong-error.ts'
import { noneIfMissing } from './read-state.ts'

const FORMAT = 1
const PARALLEL = 8
/** Kong keeps only hashes of what these hold. */
const HASHED = ['basic-auths', 'oauth2']

/** Kong answers 500 to a PUT of a credential, and takes from a certificate all names that a PUT does not list. */
const PATCHED: ReadonlySet<string> = new Set(['jwts', 'key-auths', 'hmac-auths', 'acls', 'certificates'])

/** Private keys and credentials are in it, as Kong OSS stores them: in clear. */
export interface KongSnapshot {
  readonly format: typeof FORMAT
  /** ISO 8601. */
  readonly savedAt: string
  readonly kong: { readonly url: string; readonly version: string }
  /** Of a Kong without database: its configuration, as it tells it. */
  readonly config: string | null
  /** Of a Kong with a database. */
  readonly collections: Collections
  /** Collections that hold something and cannot be given back. */
  readonly leftOut: readonly string[]
}

const SNAPSHOT = z.object({
  format: z.literal(FORMAT),
  savedAt: z.string(),
  kong: z.object({ url: z.string(), version: z.string() }),
  config: z.string().nullable(),
  collections: z.record(z.string(), z.array(z.looseObject({ id: z.string() }))),
  leftOut: z.array(z.string()),
})

/**
 * Reads everything, rows of others included.
 * @param isDbless this Kong has no database
 * @throws KongError when any part cannot be read: half a snapshot is none
 */
export async function readSnapshot(admin: KongAdmin, isDbless: boolean, now: Date): Promise<KongSnapshot> {
  const about = await admin.call('GET', [])
  const head = {
    format: FORMAT,
    savedAt: now.toISOString(),
    kong: { url: admin.url, version: String(about?.version ?? '') },
  } as const
  if (isDbless) {
    const answer = await admin.call('GET', ['config'])
    return { ...head, config: String(answer?.config ?? ''), collections: {}, leftOut: [] }
  }
  const listed = await inParallel(HASHED, PARALLEL, async (name) => (await rowsOf(admin, name)).length > 0)
  const leftOut = HASHED.filter((_, at) => listed[at])
  return { ...head, config: null, collections: await readCollections(admin), leftOut }
}

/** @throws Error that names the field, where `text` is no snapshot */
export function parseSnapshot(text: string): KongSnapshot {
  const result = SNAPSHOT.safeParse(JSON.parse(text))
  if (result.success) return result.data as KongSnapshot
  const { path, message } = result.error.issues[0]!
  throw new Error(`it is no snapshot of this version: ${path.join('.') || 'it'}: ${message}`)
}

/** Does it hold anything? */
export const isEmpty = ({ config, collections }: KongSnapshot): boolean =>
  config === null
    ? Object.values(collections).every((rows) => rows.length === 0)
    : !/^\s*(services|routes|upstreams|plugins|consumers|certificates|ca_certificates)\s*:/m.test(config)

/** What has to be written so that Kong is as it was; without a database it is written as a whole. @throws KongError */
export async function planOf(
  admin: KongAdmin,
  { config, collections }: KongSnapshot,
): Promise<readonly RowChange[]> {
  if (config === null) return planRestore(collections, await readCollections(admin))
  const held = await admin.call('GET', ['config'])
  return planRestore(await rowsOfConfig(config), await rowsOfConfig(String(held?.config ?? '')))
}

/** Of the same configuration Kong writes its keys and rows in another order each time. */
async function rowsOfConfig(text: string): Promise<Collections> {
  const document = await parseConfigText(text)
  const lists = Object.entries(document).filter(([, rows]) => Array.isArray(rows))
  return Object.fromEntries(lists) as Collections
}

/**
 * Writes changes that hang on nothing of each other. One may want a name that another still has: such are tried again when
 * the others have theirs.
 * @param done called after each
 * @throws RowError of the first that Kong refuses
 */
export async function restoreStep(
  admin: KongAdmin,
  changes: readonly RowChange[],
  done: () => void,
): Promise<void> {
  const refused: RowError[] = []
  await inParallel(changes, PARALLEL, async (change) => {
    try {
      await restoreRow(admin, change)
      done()
    } catch (error) {
      const isTaken = error instanceof KongError && error.code === 'KONG_EXISTS'
      if (!isTaken) throw new RowError(change, error)
      refused.push(new RowError(change, error))
    }
  })
  if (refused.length === changes.length && refused.length > 0) throw refused[0]
  if (refused.length > 0)
    await restoreStep(
      admin,
      refused.map(({ change }) => change),
      done,
    )
}

/** A change that was not made. */
export class RowError extends Error {
  readonly change: RowChange

  constructor(change: RowChange, cause: unknown) {
    super('not restored', { cause })
    this.change = change
  }
}

/**
 * Writes one change. What was removed meanwhile is removed, and what is there is replaced.
 * @throws KongError
 */
export async function restoreRow(admin: KongAdmin, { action, path, row }: RowChange): Promise<void> {
  const collection = path.split('/')
  const place = [...collection, String(row.id)]
  const body = writable(path, row)
  if (action === 'delete') await admin.call('DELETE', place).catch(noneIfMissing)
  else if (action === 'create') await admin.call('POST', collection, body)
  // All fields are named, so that a PATCH is the same.
  else await admin.call(PATCHED.has(path) ? 'PATCH' : 'PUT', place, body)
}

async function readCollections(admin: KongAdmin): Promise<Collections> {
  const lists = await inParallel(SAVED, PARALLEL, async (name) => [name, await rowsOf(admin, name)] as const)
  const upstreams = lists.find(([name]) => name === 'upstreams')![1]
  const targets = await inParallel(upstreams, PARALLEL, async ({ id }) => {
    const path = targetsOf(String(id))
    return [path, await rowsOf(admin, path)] as const
  })
  return Object.fromEntries([...lists, ...targets])
}

/** A Kong that has not loaded the plugin has no such collection. */
const rowsOf = (admin: KongAdmin, path: string): Promise<JsonObject[]> =>
  admin.list(path.split('/')).catch((error: unknown) => {
    if (error instanceof KongError && error.status === 405) return []
    return noneIfMissing(error)
  })
