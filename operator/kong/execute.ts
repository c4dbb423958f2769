import { type Change, type DiffOptions, diff } from '../core/diff.ts'
import { type Entity, type Kind, keyOf } from '../core/entity.ts'
import { bodyFor, entityFromKong, stateOf } from '../core/kong-json.ts'
import { isOwnedBy } from '../core/tags.ts'
import { collectionPath, entityPath } from './collections.ts'
import type { KongAdmin } from './kong-admin.ts'
import { KongError } from './kong-error.ts'
import { noneIfMissing } from './read-state.ts'

export interface Executed {
  /** What Kong holds under the entity's key now; null for nothing. */
  readonly after: Entity | null
  /** False when a fresh read showed that nothing was to be done. */
  readonly wrote: boolean
  /** An entity of another id that stands in the way; Kong was left as it is. */
  readonly rival?: Entity
  /** True when Kong turned out to hold something else than the change was decided by; nothing was written. */
  readonly isOutdated?: boolean
  /** What somebody has hung onto the entity, which therefore stays: Kong would take it along. */
  readonly users?: readonly Entity[]
}

/**
 * Writes one change. A creation cannot overwrite (POST with the id; Kong's PUT would replace what somebody made
 * meanwhile), an update reads first and writes only what still differs, a removal reads as well: what is gone is fine,
 * what lost our tags is not ours any more, and what others hang on stays.
 * @param wanted the desired entity; null for a removal
 * @throws KongError
 */
export async function executeChange(
  admin: KongAdmin,
  change: Change,
  wanted: Entity | null,
  options: DiffOptions,
): Promise<Executed> {
  if (change.action === 'delete' || wanted === null) return await remove(admin, change.entity, options.mesh)
  if (change.action === 'create') return await create(admin, change.entity, wanted, options)
  return await update(admin, wanted, options)
}

async function create(
  admin: KongAdmin,
  entity: Entity,
  wanted: Entity,
  options: DiffOptions,
): Promise<Executed> {
  try {
    const row = await admin.call('POST', collectionPath(entity), bodyFor(entity))
    return { after: row === null ? entity : entityFromKong(entity.kind, row), wrote: true }
  } catch (error) {
    if (!(error instanceof KongError && error.code === 'KONG_EXISTS')) throw error
    const updated = await update(admin, wanted, options)
    if (updated.after !== null) return updated
    const rival = await readRival(admin, entity)
    if (rival === null) throw error
    return { after: null, wrote: false, rival }
  }
}

async function update(admin: KongAdmin, wanted: Entity, options: DiffOptions): Promise<Executed> {
  const fresh = await readEntity(admin, wanted)
  if (fresh === null) return { after: null, wrote: false }
  const { changes } = diff(stateOf([fresh]), stateOf([wanted]), options)
  const change = changes.find((each) => each.action === 'update' && keyOf(each.entity) === keyOf(wanted))
  if (change === undefined) return { after: fresh, wrote: false }
  const row = await admin.call('PATCH', entityPath(wanted), bodyFor(change.entity, change.fields))
  return { after: row === null ? change.entity : entityFromKong(wanted.kind, row), wrote: true }
}

async function remove(admin: KongAdmin, entity: Entity, mesh: string): Promise<Executed> {
  const fresh = await readEntity(admin, entity)
  if (fresh === null) return { after: null, wrote: false }
  if (!isOwnedBy(mesh, fresh.tags)) return { after: fresh, wrote: false }
  // Kong refuses to remove a certificate that is in use, and takes its names with it all the same.
  const isUser = ({ kind, tags }: Entity) =>
    !isOwnedBy(mesh, tags) || (fresh.kind === 'certificate' && kind !== 'sni')
  const users = (await readChildren(admin, fresh)).filter(isUser)
  if (users.length > 0) return { after: fresh, wrote: false, users }
  await admin.call('DELETE', entityPath(entity)).catch(unlessMissing)
  return { after: null, wrote: true }
}

/** What Kong removes together with an entity, or keeps it for. */
async function readChildren(admin: KongAdmin, { kind, id }: Entity): Promise<readonly Entity[]> {
  const lists = await Promise.all(
    CHILDREN[kind].map(async ([child, below]) => {
      const rows = await admin.list([...entityPath({ kind, id, parent: '' }), below]).catch(noneIfMissing)
      return rows.map((row) => entityFromKong(child, row))
    }),
  )
  return lists.flat()
}

const PLUGINS = ['plugin', 'plugins'] as const

/** Kinds, with where they are listed below the entity. */
const CHILDREN: Readonly<Record<Kind, readonly (readonly [Kind, string])[]>> = {
  upstream: [['target', 'targets']],
  service: [['route', 'routes'], PLUGINS],
  route: [PLUGINS],
  consumer: [['jwt_secret', 'jwt'], ['keyauth_credential', 'key-auth'], ['acl', 'acls'], PLUGINS],
  target: [],
  plugin: [],
  jwt_secret: [],
  keyauth_credential: [],
  acl: [],
  certificate: [
    ['sni', 'snis'],
    ['service', 'services'],
    ['upstream', 'upstreams'],
  ],
  sni: [],
  ca_certificate: [],
}

/** The entity as Kong has it now; null when it has none under that id. */
export async function readEntity(
  admin: KongAdmin,
  entity: Pick<Entity, 'kind' | 'parent' | 'id'>,
): Promise<Entity | null> {
  const row = await admin.call('GET', entityPath(entity)).catch(unlessMissing)
  return row === null ? null : entityFromKong(entity.kind, row)
}

/** What has our entity's place: the same name (of a target the same address, of a plugin the same scope). */
async function readRival(admin: KongAdmin, entity: Entity): Promise<Entity | null> {
  if (entity.kind === 'plugin') {
    const rows = await admin.list(['services', entity.parent, 'plugins'])
    const row = rows.find((each) => each.name === entity.name && each.id !== entity.id)
    return row === undefined ? null : entityFromKong('plugin', row)
  }
  // A group or a key of somebody else: which of theirs is not asked for.
  if (entity.kind === 'acl' || entity.name === '') return null
  const row = await admin.call('GET', [...collectionPath(entity), entity.name]).catch(unlessMissing)
  return row === null || row.id === entity.id ? null : entityFromKong(entity.kind, row)
}

function unlessMissing(error: unknown): null {
  if (error instanceof KongError && error.code === 'KONG_NOT_FOUND') return null
  throw error
}
