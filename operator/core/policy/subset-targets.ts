/** The targets of a service or of one of its subsets. */

import type { Planned } from '../decided.ts'
import { isTypical } from '../exposure.ts'
import { planTargets } from '../targets.ts'
import type { ConfigEntries } from './config-entries.ts'
import type { TargetSet } from './leg-weights.ts'
import type { TargetName } from './resolve-target.ts'
import { memberKey, type SubsetMembers } from './subset-members.ts'

export const NOBODY: TargetSet = { weights: new Map(), isLive: false }

/** @param base what was planned for the service; undefined for one that is not there */
export function targetsOf(
  { service, subset }: TargetName,
  base: Planned | undefined,
  entries: ConfigEntries,
  members: SubsetMembers,
): TargetSet {
  if (base === undefined || base.plan.entities.length === 0) return NOBODY
  if (subset === '') return wholeService(base)
  const { Filter = '', OnlyPassing = false } = entries.resolvers.get(service)?.Subsets?.[subset] ?? {}
  const among = Filter === '' ? null : (members.of(service, Filter) ?? new Set<string>())
  const instances = base.instances.filter(
    (instance) => isTypical(instance) && (among === null || among.has(memberKey(instance))),
  )
  // What critical ones weigh counts only where nobody else can serve: then as if they were healthy.
  const planned = planTargets(service, instances, base.effective, {
    last: () => null,
    wasRoutable: () => true,
    held: base.held,
  })
  const weights = new Map(planned.weights)
  if (OnlyPassing) {
    const health = new Map<string, boolean>()
    for (const { target, health: found } of planned.instances) {
      health.set(target, (health.get(target) ?? false) || found === 'healthy')
    }
    for (const target of weights.keys()) if (health.get(target) === false) weights.set(target, 0)
  }
  const isServed = [...weights.values()].some((weight) => weight > 0)
  return { weights, isLive: isServed && !planned.keptAtLastWeights }
}

function wholeService({ plan }: Planned): TargetSet {
  const targets = plan.entities.filter(([, { kind }]) => kind === 'target')
  const weights = new Map(targets.map(([, { name, fields }]) => [name, Number(fields.weight)]))
  const isServed = [...weights.values()].some((weight) => weight > 0)
  return { weights, isLive: isServed && !plan.keptAtLastWeights }
}
