import type { Entity } from '../core/entity.ts'
import type { DesiredIndex } from './desired-index.ts'

/** Of thousands of services hardly any has changed: each is counted once. */
const counted = new WeakMap<readonly Entity[], number>()

/** How many targets all services have. @param left a service that does not count */
export function countTargets({ groups }: Pick<DesiredIndex, 'groups'>, left?: string): number {
  let sum = 0
  for (const [service, group] of groups) if (service !== left) sum += countOf(group)
  return sum
}

function countOf(group: readonly Entity[]): number {
  const known = counted.get(group)
  if (known !== undefined) return known
  const count = group.filter(({ kind }) => kind === 'target').length
  counted.set(group, count)
  return count
}
