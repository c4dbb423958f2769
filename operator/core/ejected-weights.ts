/**
 * Behind a control plane nobody can mark a target (Kong has no such endpoints there): what a plugin process has taken out
 * weighs nothing, as long as its ejection is claimed.
 */

import type { Desired } from './desired-answer.ts'
import type { Ejection } from './ejections.ts'
import { type Entity, keyOf } from './entity.ts'
import { withWeight } from './kong-entities.ts'
import { targetId, upstreamName } from './names.ts'

/** What Kong should hold without the weights of what is ejected; the same answer where nothing is. */
export function withoutEjected(desired: Desired, ejections: readonly Ejection[], mesh: string): Desired {
  const ids = new Set(ejections.map(({ upstream, target }) => targetId(mesh, upstream, target)))
  const ejected = [...ids].flatMap((id) => desired.state.get(`target/${id}`) ?? [])
  if (ejected.length === 0) return desired
  const weightless = new Map(ejected.map((entity) => [keyOf(entity), withWeight(entity, 0)]))
  const emptied = (group: readonly Entity[]) => group.map((each) => weightless.get(keyOf(each)) ?? each)
  const groups = new Map(desired.groups)
  for (const owner of new Set(ejected.map((entity) => entity.owner)))
    groups.set(owner, emptied(groups.get(owner) ?? []))
  const services = desired.services.map((report) => {
    const isOut = (target: string) => ids.has(targetId(mesh, upstreamName(report.service), target))
    if (!report.instances.some(({ target }) => isOut(target))) return report
    const instances = report.instances.map((each) => (isOut(each.target) ? { ...each, weight: 0 } : each))
    return { ...report, instances }
  })
  return { ...desired, state: new Map([...desired.state, ...weightless]), groups, services }
}
