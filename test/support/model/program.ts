// A program: what happens to Consul, Kong and the operators, as plain data, so that it can be printed, shortened and
// run again.
import { type SeededRandom, seededRandom } from '../seeded-random.ts'
import type { Kind } from './kong-replica.ts'

export type OperatorId = 'first' | 'second'
export type KongFault = 'cutBefore' | 'cutAfter' | 'slow' | 500 | 409 | 429

export type Step =
  | {
      readonly do: 'register'
      readonly service: number
      readonly instance: number
      readonly weights: readonly [passing: number, warning: number]
      readonly tags: readonly string[]
      readonly meta: Readonly<Record<string, string>>
    }
  | { readonly do: 'deregister'; readonly service: number; readonly instance: number }
  | {
      readonly do: 'check'
      readonly service: number
      readonly instance: number
      readonly state: 'pass' | 'warn' | 'fail'
    }
  | { readonly do: 'maintenance'; readonly service: number; readonly instance: number; readonly on: boolean }
  | { readonly do: 'settings'; readonly service: number; readonly text: string | null }
  | { readonly do: 'edit'; readonly service: number; readonly kind: Kind; readonly field: number }
  | { readonly do: 'putUntagged'; readonly service: number; readonly kind: Kind }
  | { readonly do: 'remove'; readonly service: number; readonly kind: Kind }
  | { readonly do: 'pin'; readonly service: number; readonly kind: Kind; readonly by: 'tag' | 'api' }
  | { readonly do: 'release'; readonly which: number; readonly by: 'tag' | 'api' }
  | { readonly do: 'mark'; readonly service: number; readonly claimed: boolean }
  | { readonly do: 'unclaim'; readonly service: number }
  | { readonly do: 'foreign'; readonly what: Foreign; readonly service: number; readonly kind: Kind }
  | { readonly do: 'editForeign' | 'removeForeign'; readonly which: number }
  | { readonly do: 'start'; readonly operator: OperatorId }
  | { readonly do: 'stop'; readonly operator: OperatorId; readonly how: 'gracefully' | 'killed' }
  | { readonly do: 'kongFaults'; readonly percent: number; readonly faults: readonly KongFault[] }
  | { readonly do: 'consulFaults'; readonly how: 'error' | 'noLeader' | 'cut'; readonly operator: OperatorId }
  | { readonly do: 'faultsEnd' }
  | { readonly do: 'resync'; readonly operator: OperatorId }
  | { readonly do: 'writes'; readonly count: number }
  | { readonly do: 'settle' }

/** `alone`: nothing to do with ours. `namesake`, `replacement`: ours by name, not by id. The rest hangs on ours. */
export type Foreign = 'alone' | 'otherMesh' | 'namesake' | 'replacement' | 'target' | 'plugin' | 'route'

export interface Program {
  readonly seed: number
  readonly steps: readonly Step[]
}

export const SERVICES = 3
export const INSTANCES = 3

export function randomProgram(seed: number, length: number): Program {
  const random = seededRandom(seed)
  const steps: Step[] = [{ do: 'start', operator: 'first' }]
  if (random.chance(40)) steps.push({ do: 'start', operator: 'second' })
  for (let service = 0; service < SERVICES - 1; service++) steps.push(registration(random, service, 1))
  if (random.chance(70)) steps.push({ do: 'settle' })
  while (steps.length < length) steps.push(...(random.chance(8) ? story(random) : [randomStep(random)]))
  return { seed, steps }
}

/** Steps that tell something in this order alone, which chance seldom brings about. */
function story(random: SeededRandom): readonly Step[] {
  const service = random.whole(0, SERVICES - 2)
  const edit = (): Step => ({ do: 'edit', service, kind: someKind(random), field: random.whole(0, 9) })
  const hang = (): Step => ({
    do: 'foreign',
    what: random.pick(['target', 'plugin', 'route']),
    service,
    kind: random.pick(['service', 'route']),
  })
  const gone = Array.from(
    { length: INSTANCES },
    (_, n): Step => ({ do: 'deregister', service, instance: n + 1 }),
  )
  const tellings: readonly (() => readonly Step[])[] = [
    // Given back, a field is as Consul says, and no edit any more.
    () => [
      edit(),
      { do: 'settle' },
      { do: 'release', which: random.whole(0, 9), by: 'tag' },
      { do: 'settle' },
    ],
    // What people hung onto ours just before it goes is not taken along.
    () => [{ do: 'settle' }, hang(), ...gone, { do: 'settle' }],
    // Who takes over knows of the edit by nothing but its tags.
    () => [
      { do: 'start', operator: 'second' },
      edit(),
      { do: 'settle' },
      { do: 'stop', operator: 'first', how: random.pick(['gracefully', 'killed']) },
      registration(random, service, 1),
      { do: 'settle' },
    ],
  ]
  return random.pick(tellings)()
}

function randomStep(random: SeededRandom): Step {
  const service = random.whole(0, SERVICES - 1)
  const instance = random.whole(1, INSTANCES)
  const operator = random.pick(['first', 'first', 'second'] as const)
  const make = random.weighted<() => Step>([
    [12, () => registration(random, service, instance)],
    [8, () => ({ do: 'deregister', service, instance })],
    [10, () => ({ do: 'check', service, instance, state: random.pick(['pass', 'warn', 'fail']) })],
    [6, () => ({ do: 'maintenance', service, instance, on: random.chance(60) })],
    [8, () => ({ do: 'settings', service, text: settingsText(random, service) })],
    [14, () => ({ do: 'edit', service, kind: someKind(random), field: random.whole(0, 9) })],
    [3, () => ({ do: 'putUntagged', service, kind: random.pick(['upstream', 'service', 'route']) })],
    [4, () => ({ do: 'remove', service, kind: someKind(random) })],
    [3, () => ({ do: 'pin', service, kind: someKind(random), by: random.pick(['tag', 'api']) })],
    [4, () => ({ do: 'release', which: random.whole(0, 9), by: random.pick(['tag', 'api']) })],
    [2, () => ({ do: 'mark', service, claimed: random.chance(80) })],
    [1, () => ({ do: 'unclaim', service })],
    [8, () => ({ do: 'foreign', what: someForeign(random), service, kind: someKind(random) })],
    [2, () => ({ do: random.pick(['editForeign', 'removeForeign'] as const), which: random.whole(0, 9) })],
    [4, () => ({ do: 'start', operator })],
    [4, () => ({ do: 'stop', operator, how: random.pick(['gracefully', 'killed']) })],
    [6, () => ({ do: 'kongFaults', percent: random.pick([10, 30, 60, 100]), faults: someFaults(random) })],
    [3, () => ({ do: 'consulFaults', how: random.pick(['error', 'noLeader', 'cut']), operator })],
    [5, () => ({ do: 'faultsEnd' })],
    [3, () => ({ do: 'resync', operator })],
    [10, () => ({ do: 'writes', count: random.whole(1, 4) })],
    [6, () => ({ do: 'settle' })],
  ])
  return make()
}

function registration(random: SeededRandom, service: number, instance: number): Step {
  const meta = random.pick([{}, {}, { 'mesh-retries': '5' }, { 'mesh-retries': 'five' }, { team: 'blue' }])
  const tags = random.pick([[], [], ['v2'], ['kongsul.enable=false'], ['kongsul.enable=true']])
  const weights = [random.whole(1, 10), random.whole(1, 5)] as const
  return { do: 'register', service, instance, weights, tags, meta: meta as Record<string, string> }
}

const BAD_SETTINGS = ['{"retries": "many"}', '{"colour": "red"}', '{ not a document', '[]', '{"retries": -1}']

/** null: the document is removed. */
function settingsText(random: SeededRandom, service: number): string | null {
  if (random.chance(20)) return null
  if (random.chance(25)) return random.pick(BAD_SETTINGS)
  const strategy = random.pick(['round_robin', 'weighted', 'least_connections', 'ip_hash'])
  const all: [string, unknown][] = [
    ['retries', random.whole(1, 9)],
    ['timeouts', { readMs: random.whole(1, 9) * 1000 }],
    ['loadBalancing', { strategy }],
    ['degraded', random.pick(['fallback', 'weighted'])],
    ['expose', random.chance(60)],
    ['enabled', random.chance(70)],
    [
      'routing',
      random.pick([{ paths: 'off' }, { hosts: [`shop${service}.example`] }, { paths: [`/shop${service}/`] }]),
    ],
    ['overrides', { policy: random.pick(['keep', 'revert']) }],
  ]
  return JSON.stringify(Object.fromEntries(all.filter(() => random.chance(30))))
}

const someKind = (random: SeededRandom): Kind => random.pick(['upstream', 'target', 'service', 'route'])

const someForeign = (random: SeededRandom): Foreign =>
  random.pick(['alone', 'otherMesh', 'namesake', 'replacement', 'target', 'plugin', 'route'])

function someFaults(random: SeededRandom): readonly KongFault[] {
  const all: KongFault[] = ['cutBefore', 'cutAfter', 'slow', 500, 409, 429]
  const some = all.filter(() => random.chance(40))
  return some.length > 0 ? some : [500]
}
