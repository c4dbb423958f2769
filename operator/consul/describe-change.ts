import type { Instance } from '../core/catalog.ts'
import { instanceKey } from './service-table.ts'

/** What happened to a service between two reads of it, as short texts for logs and the list of changes. */
export function describeChange(
  service: string,
  before: readonly Instance[] | undefined,
  after: readonly Instance[] | undefined,
): readonly string[] {
  if (before === undefined) return [`service ${service} registered`]
  if (after === undefined) return [`service ${service} deregistered`]
  const old = new Map(before.map((instance) => [instanceKey(instance.node, instance.id), instance]))
  const texts: string[] = []
  for (const instance of after) {
    const known = old.get(instanceKey(instance.node, instance.id))
    old.delete(instanceKey(instance.node, instance.id))
    if (known === undefined) texts.push(`instance ${instance.id} registered`)
    else if (known !== instance) texts.push(...describeInstance(known, instance))
  }
  for (const gone of old.values()) texts.push(`instance ${gone.id} deregistered`)
  return texts
}

function describeInstance(before: Instance, after: Instance): readonly string[] {
  const texts: string[] = []
  const old = new Map(before.checks.map((check) => [check.id, check]))
  for (const check of after.checks) {
    const known = old.get(check.id)
    old.delete(check.id)
    if (known?.status === check.status) continue
    texts.push(maintenance(check.id, after.id, 'on') ?? `check ${check.id} of ${after.id} ${check.status}`)
  }
  for (const gone of old.keys()) {
    texts.push(maintenance(gone, after.id, 'off') ?? `check ${gone} of ${after.id} removed`)
  }
  return texts.length > 0 ? texts : [`instance ${after.id} changed`]
}

function maintenance(checkId: string, instance: string, state: 'on' | 'off'): string | undefined {
  if (checkId === '_node_maintenance') return `maintenance of the node of ${instance} ${state}`
  if (checkId.startsWith('_service_maintenance')) return `maintenance of ${instance} ${state}`
  return undefined
}
