import { setTimeout as delay } from 'node:timers/promises'
import type { Entity, Json } from '../core/entity.ts'
import { bodyFor } from '../core/kong-json.ts'
import { collectionPath, entityPath } from '../kong/collections.ts'
import type { KongAdmin } from '../kong/kong-admin.ts'
import { readLists, readTargets } from '../kong/read-state.ts'

export interface UpstreamSources {
  readonly admin: KongAdmin
  readonly signal: AbortSignal
}

/**
 * Services find their upstream by its name, and two cannot have one name. So requests take a bridge meanwhile: a copy
 * of the old upstream under another name.
 *
 *   copy it -> services to the copy -> rename the old one -> create ours with its targets -> services to ours
 *   -> remove copy and old one
 *
 * Between the steps every node of Kong gets the time to see the one before.
 * @param wanted what the Consul service wants, its upstream and targets among it
 * @throws KongError
 */
export async function replaceUpstream(
  { admin, signal }: UpstreamSources,
  theirs: Entity,
  wanted: readonly Entity[],
): Promise<void> {
  const { name } = theirs
  const settleMs = await readSettleMs(admin)
  const settle = () => delay(settleMs, undefined, { signal })
  const bridge = `${name}.adopting`
  const users = (await readLists(admin)).filter(
    ({ kind, fields }) => kind === 'service' && fields.host === name,
  )
  const pointTo = async (host: string) => {
    for (const user of users) await admin.call('PATCH', entityPath(user), { host })
  }
  await copyUpstream(admin, theirs, bridge)
  await settle()
  await pointTo(bridge)
  await settle()
  await admin.call('PATCH', entityPath(theirs), { name: `${name}.adopted` })
  await createOurs(admin, name, wanted)
  await settle()
  await pointTo(name)
  await settle()
  await admin.call('DELETE', ['upstreams', bridge])
  await admin.call('DELETE', entityPath(theirs))
}

async function copyUpstream(admin: KongAdmin, theirs: Entity, name: string): Promise<void> {
  const targets = await readTargets(admin, theirs.id)
  const { id: _, ...body } = bodyFor({ ...theirs, name })
  await admin.call('POST', ['upstreams'], body)
  for (const { name: target, fields } of targets) {
    await admin.call('POST', ['upstreams', name, 'targets'], { target, weight: fields.weight as Json })
  }
}

async function createOurs(admin: KongAdmin, name: string, wanted: readonly Entity[]): Promise<void> {
  const upstream = wanted.find((entity) => entity.kind === 'upstream' && entity.name === name)!
  await admin.call('POST', collectionPath(upstream), bodyFor(upstream))
  const targets = wanted.filter(({ kind, parent }) => kind === 'target' && parent === upstream.id)
  for (const target of targets) await admin.call('POST', collectionPath(target), bodyFor(target))
}

/** How long until every node serves what the Admin API took; Kong's defaults where it does not say. */
async function readSettleMs(admin: KongAdmin): Promise<number> {
  const root = await admin.call('GET', []).catch(() => null) // 500 on a healthy Kong that starts a plugin server
  const { worker_state_update_frequency: worker = 5, db_update_frequency: db = 5 } = (root?.configuration ??
    {}) as { worker_state_update_frequency?: number; db_update_frequency?: number }
  return Math.max(Number(worker), Number(db)) * 1000 + 300
}
