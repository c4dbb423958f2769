/** What was decided service by service, put together: the whole answer, in the time of what changed. */

import type { Decided, ServiceReport } from './decided.ts'
import type { Entity, KongState } from './entity.ts'
import type { AccessReport } from './intentions/access-report.ts'
import { patchedMap } from './patched-map.ts'
import type { Problem } from './problem.ts'
import { problemsOfShadows, type ServiceRoutes } from './service-routes.ts'

export interface Desired {
  readonly state: KongState
  /** The same entities by service; what is unchanged since the last answer is the same list. */
  readonly groups: ReadonlyMap<string, readonly Entity[]>
  /** Sorted by name. */
  readonly services: readonly ServiceReport[]
  readonly problems: readonly Problem[]
  /** Services that do not let everybody in, or of which that is not known. */
  readonly access?: ReadonlyMap<string, AccessReport>
  /** What enforces that in Kong, by service. */
  readonly gates?: ReadonlyMap<string, readonly Entity[]>
}

/**
 * @param before decided last, service by service; undefined for a new service
 * @param answerBefore what was made of that; null: services came or went
 */
export function answerOf(
  decided: readonly Decided[],
  before: readonly (Decided | undefined)[],
  answerBefore: Desired | null,
  policyProblems: readonly Problem[],
): Desired {
  const problems: Problem[] = [...policyProblems]
  const shadowed: [string, ServiceRoutes][] = []
  for (const { plan, routes } of decided) {
    if (plan.problems.length > 0) problems.push(...plan.problems)
    if (routes.problems.length > 0) problems.push(...routes.problems)
    if (routes.shadowed.size > 0) shadowed.push([plan.service, routes])
  }
  return {
    ...entitiesOf(decided, before, answerBefore),
    problems: [...problems, ...problemsOfShadows(shadowed)],
  }
}

/** Mending the last answer costs a hundredth of building it from its 20,000 entities. */
function entitiesOf(
  decided: readonly Decided[],
  before: readonly (Decided | undefined)[],
  answerBefore: Desired | null,
): Omit<Desired, 'problems'> {
  const changed: number[] = []
  for (let index = 0; index < decided.length; index++)
    if (decided[index] !== before[index]) changed.push(index)
  if (answerBefore === null || changed.length > decided.length / 10) {
    return {
      state: new Map(decided.flatMap(entriesOf)),
      groups: new Map(decided.map((each) => [each.plan.service, groupOf(each)])),
      services: decided.map(({ report }) => report),
    }
  }
  if (changed.length === 0) return answerBefore
  const groups = new Map(answerBefore.groups)
  const services = [...answerBefore.services]
  for (const index of changed) {
    groups.set(decided[index]!.plan.service, groupOf(decided[index]!))
    services[index] = decided[index]!.report
  }
  return { state: patchedState(decided, before, changed, answerBefore.state), groups, services }
}

/** Most entities of a service that changed are the very ones it had. */
function patchedState(
  decided: readonly Decided[],
  before: readonly (Decided | undefined)[],
  changed: readonly number[],
  stateBefore: KongState,
): KongState {
  const old = new Map(changed.flatMap((index) => entriesOf(before[index]!)))
  const added: (readonly [string, Entity])[] = []
  for (const entry of changed.flatMap((index) => entriesOf(decided[index]!))) {
    if (old.get(entry[0]) !== entry[1]) added.push(entry)
    old.delete(entry[0])
  }
  return added.length === 0 && old.size === 0 ? stateBefore : patchedMap(stateBefore, old.keys(), added)
}

const entriesOf = ({ plan, routes }: Decided) => [...plan.entities, ...routes.entities]

/** What was decided never changes once made; its list is made once. */
const groups = new WeakMap<Decided, readonly Entity[]>()

function groupOf(decided: Decided): readonly Entity[] {
  let group = groups.get(decided)
  if (group === undefined) {
    group = entriesOf(decided).map(([, entity]) => entity)
    groups.set(decided, group)
  }
  return group
}
