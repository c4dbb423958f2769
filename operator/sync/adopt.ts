// Takes over an entity that somebody made by hand under a name of ours. Kong cannot change an id, so ours is created
// beside it and it goes; the order keeps a way for every request at every moment.
import { setTimeout as delay } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import type { Entity, Json } from '../core/entity.ts'
import { entityFromKong } from '../core/kong-json.ts'
import { foreignTags, isManaged, ownerTags } from '../core/tags.ts'
import { RequestError } from '../http/request-error.ts'
import { COLLECTIONS, entityPath } from '../kong/collections.ts'
import type { KongAdmin } from '../kong/kong-admin.ts'
import { KongError } from '../kong/kong-error.ts'
import { readLists, readTargets } from '../kong/read-state.ts'
import { replaceUpstream } from './adopt-upstream.ts'
import type { Reconciler } from './reconciler.ts'

export type AdoptableKind = 'upstream' | 'service' | 'route'

export interface AdoptSources {
  readonly admin: KongAdmin
  readonly reconciler: Reconciler
  readonly mesh: string
  readonly signal: AbortSignal
}

export interface Adopted {
  readonly kind: AdoptableKind
  readonly name: string
  readonly service: string
  /** Id of what was there. */
  readonly replaced: string
  /** Routes and plugins that were moved from it to ours, by kind and name. */
  readonly moved: readonly string[]
  /** What it had and ours has not, by field: `path: "/v2" (null now)`; targets of an upstream. */
  readonly lost: readonly string[]
}

const NO_DATABASE =
  'Kong runs without a database, so nothing can be moved entity by entity: take it out of the configuration you post, and kongsul adds its own'

const LIMIT_MS = 10_000

/**
 * @throws RequestError 404 when Kong has no such entity or the name is not one of ours, 409 when it is ours already or the service is paused,
 *   503 when nothing may be written
 * @throws KongError
 */
export async function adopt(sources: AdoptSources, kind: AdoptableKind, name: string): Promise<Adopted> {
  const { admin, reconciler, mesh } = sources
  const { refusal } = reconciler
  if (refusal !== null) throw new RequestError(503, `this operator writes nothing now: ${refusal}`)
  if (reconciler.kong.isDbless) throw new RequestError(409, NO_DATABASE)
  const service = await ownerOfName(sources, kind, name)
  if (reconciler.isLeftAlone(service)) {
    throw new RequestError(409, `${service} is paused: resume it first`)
  }
  const theirs = await readByName(admin, kind, name)
  if (isManaged(theirs)) throw new RequestError(409, `${kind} ${name} is kongsul's already`)
  if (kind === 'upstream') {
    const wanted = [...reconciler.wanted.values()].filter(({ owner }) => owner === service)
    const before = await readTargets(admin, theirs.id)
    await reconciler.whileLocked(service, () => replaceUpstream(sources, theirs, wanted))
    await reconciler.applyNow(service)
    const ours = await readByName(admin, kind, name)
    const lost = [...lostFields(theirs, ours), ...lostTargets(before, await readTargets(admin, ours.id))]
    return { kind, name, service, replaced: theirs.id, moved: [], lost }
  }
  // As an entity of ours that is not wanted it goes by itself, after the one that is.
  const tags = [...ownerTags(mesh, service), ...foreignTags(theirs.tags)]
  const row = await admin.call('PATCH', entityPath(theirs), { name: `${name}.adopted`, tags })
  if (row !== null) reconciler.mirror.set(entityFromKong(kind, row))
  await reconciler.applyNow(service)
  const ours = await waitForOurs(sources, kind, name)
  const moved = await moveUsers(admin, theirs, ours)
  await reconciler.applyNow(service)
  const lost = lostFields(theirs, await readByName(admin, kind, name))
  return { kind, name, service, replaced: theirs.id, moved, lost }
}

/** By what is wanted; a route may be left out because of the one by hand: then it is what would be wanted without. */
async function ownerOfName(
  { admin, reconciler }: AdoptSources,
  kind: AdoptableKind,
  name: string,
): Promise<string> {
  for (const entity of reconciler.wanted.values()) {
    if (entity.kind === kind && entity.name === name) return entity.owner
  }
  // Where nothing takes its place it would be removed, as an entity of ours that nobody wants.
  const owner =
    kind === 'route'
      ? reconciler.facts.ownerWithoutRoute(name, (await readByName(admin, kind, name)).id)
      : null
  if (owner !== null) return owner
  throw new RequestError(404, `${kind} ${name} is no name of kongsul's: nothing would take its place`)
}

async function readByName(admin: KongAdmin, kind: AdoptableKind, name: string): Promise<Entity> {
  try {
    const row = await admin.call('GET', [COLLECTIONS[kind], name])
    if (row !== null) return entityFromKong(kind, row)
  } catch (error) {
    if (!(error instanceof KongError && error.code === 'KONG_NOT_FOUND')) throw error
  }
  throw new RequestError(404, `Kong has no ${kind} ${name}`)
}

async function waitForOurs(
  { admin, signal }: AdoptSources,
  kind: AdoptableKind,
  name: string,
): Promise<Entity> {
  const deadline = performance.now() + LIMIT_MS
  for (;;) {
    const ours = await readByName(admin, kind, name).catch((error: unknown) => {
      if (!(error instanceof RequestError)) throw error
      return null
    })
    if (ours !== null) return ours
    if (performance.now() > deadline || signal.aborted) {
      const message = `${kind} ${name} was renamed to ${name}.adopted, and ours was not created in its place yet; see kongsul status`
      throw new RequestError(503, message)
    }
    await delay(50)
  }
}

const lostFields = (theirs: Entity, ours: Entity): readonly string[] =>
  Object.entries(theirs.fields)
    .filter(([field, was]) => !isDeepStrictEqual(was, ours.fields[field] ?? null))
    .map(
      ([field, was]) =>
        `${field}: ${JSON.stringify(was)} (${JSON.stringify(ours.fields[field] ?? null)} now)`,
    )
    .sort()

/** Those that Consul knows have its weights. */
function lostTargets(theirs: readonly Entity[], ours: readonly Entity[]): readonly string[] {
  const names = new Set(ours.map(({ name }) => name))
  return theirs
    .filter(({ name }) => !names.has(name))
    .map(({ name, fields }) => `target ${name} (weight ${fields.weight})`)
}

/** What somebody hung onto the old one serves on, on ours. */
async function moveUsers(admin: KongAdmin, theirs: Entity, ours: Entity): Promise<readonly string[]> {
  const field = theirs.kind
  const users = (await readLists(admin)).filter(
    (entity) => !isManaged(entity) && referenceId(entity.fields[field]) === theirs.id,
  )
  for (const user of users) await admin.call('PATCH', entityPath(user), { [field]: { id: ours.id } })
  return users.map(({ kind, name, id }) => `${kind} ${name || id}`).sort()
}

function referenceId(value: Json | undefined): string {
  if (typeof value !== 'object' || value === null || !('id' in value)) return ''
  return String(value.id)
}
