/** Why services are looked at when what policies say has changed. */

import { WILDCARD } from '../core/intentions/intention.ts'
import type { Intentions } from '../core/intentions/join-access.ts'
import type { AcceptedEntries } from '../core/policy/config-entries.ts'

/** Which services may let others in now. */
export function intentionReasons(
  before: Intentions | undefined,
  after: Intentions | undefined,
  services: Iterable<string>,
): [string, readonly string[]][] {
  if (before === after || before === undefined) return []
  const texts = (intentions: Intentions | undefined) =>
    new Map((intentions?.accepted?.list ?? []).map((each) => [JSON.stringify(each), each.destination]))
  const [one, other] = [texts(before), texts(after)]
  const changed = new Set(
    [...one, ...other].filter(([text]) => one.has(text) !== other.has(text)).map(([, to]) => to),
  )
  const isAll = changed.has(WILDCARD) || before.byDefault !== after?.byDefault
  return [...(isAll ? services : changed)].map((service) => [service, ['intentions']])
}

/** Services that entries are about. */
export function namedReasons(
  { routers, splitters, resolvers }: AcceptedEntries['entries'],
  because: readonly string[],
): [string, readonly string[]][] {
  const names = new Set([...routers.keys(), ...splitters.keys(), ...resolvers.keys()])
  return [...names].map((name) => [name, because])
}
