import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import fc from 'fast-check'
import { CatalogWatch } from '../../../operator/consul/catalog-watch.ts'
import type { CatalogSnapshot } from '../../../operator/core/catalog.ts'
import { silentLogger } from '../../../operator/telemetry/logger.ts'
import { GatedConsul, type Question, type Registered, textOf } from '../../support/gated-consul.ts'
import { waitFor } from '../../support/wait-for.ts'

type Step =
  | Registered
  | { readonly gone: string }
  | Question
  /** As long as a search waits for reads under way. */
  | 'a while'
  /** The answer is made, and leaves when it is let go. */
  | { readonly made: Question }
  /** Until it is asked: a search begins after a while. */
  | { readonly asked: Question }

const A_WHILE_MS = 80

const known = ({ services }: CatalogSnapshot): readonly string[] =>
  [...services]
    .flatMap(([service, instances]) =>
      instances.map(({ id, node, tags, checks }) =>
        textOf({
          service,
          id,
          node,
          tag: tags[0] ?? '',
          check: checks[0] === undefined ? null : checks[0].status === 'passing' ? 'passing' : 'critical',
        }),
      ),
    )
    .sort()

/** What the watch knows and what Consul has, once every answer of Consul was let go. */
async function afterSteps(
  steps: readonly Step[],
  others: number,
): Promise<readonly [known: readonly string[], is: readonly string[]]> {
  const consul = new GatedConsul()
  for (let n = 0; n < others; n++)
    consul.register({ service: `other${n % 10}`, id: `other-${n}`, node: 'n2', tag: '', check: 'passing' })
  const ending = new AbortController()
  let snapshot: CatalogSnapshot = { services: new Map() }
  const watch = new CatalogWatch({
    reader: consul.reader(),
    log: silentLogger,
    signal: ending.signal,
    onChange: (change) => {
      snapshot = change.snapshot
    },
    onDoubt: () => {},
  })
  const running = watch.run()
  await waitFor(() => snapshot.services.size > 0)
  consul.close()
  for (const step of steps) {
    if (step === 'a while') await delay(A_WHILE_MS)
    else if (typeof step === 'string') await consul.let(step)
    else if ('made' in step) consul.make(step.made)
    else if ('asked' in step) await consul.asked(step.asked)
    else if ('gone' in step) consul.deregister({ node: nodeOf(step.gone), id: step.gone })
    else consul.register(step)
  }
  consul.open()
  const isKnown = () => known(snapshot).join() === consul.told().join()
  // Equal may be so before what was on its way has come.
  const staysKnown = async () => isKnown() && (await delay(A_WHILE_MS).then(isKnown))
  await waitFor(staysKnown, { deadlineMs: 15_000, pollMs: 50 }).catch(() => {})
  ending.abort()
  consul.open()
  await running
  return [known(snapshot), consul.told()]
}

const nodeOf = (id: string) => (id.endsWith('1') ? 'n1' : 'n2')

/** Few things, so that what happens happens to the same one. */
const ids = fc.oneof(
  { weight: 4, arbitrary: fc.constant('web-1') },
  { weight: 1, arbitrary: fc.constantFrom('web-2', 'api-1') },
)
const registration = fc.record({
  id: ids,
  tag: fc.oneof(
    { weight: 4, arbitrary: fc.constant('') },
    { weight: 1, arbitrary: fc.constantFrom('a', 'b') },
  ),
  check: fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom('passing' as const, 'critical' as const) },
    { weight: 1, arbitrary: fc.constant(null) },
  ),
})
const questions = fc.constantFrom<Question>('names', 'checks', 'service', 'listing')
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: registration.map((each) => ({ ...each, service: each.id.slice(0, 3), node: nodeOf(each.id) })),
  },
  { weight: 1, arbitrary: ids.map((gone) => ({ gone })) },
  { weight: 6, arbitrary: questions },
  { weight: 2, arbitrary: questions.map((made) => ({ made })) },
  { weight: 1, arbitrary: fc.constant('a while' as const) },
)

const SIZES = [
  { what: 'a few instances', others: 0, sequences: 500 },
  // As many as are counted before they are listed.
  { what: 'hundreds of instances', others: 320, sequences: 100 },
]
for (const { what, others, sequences } of SIZES) {
  test(`whatever is written to a Consul of ${what} and whenever it answers, in the end all is known`, async () => {
    const steps = fc.sample(fc.array(step, { minLength: 3, maxLength: 24 }), { numRuns: sequences, seed: 4 })
    const ends = await Promise.all(steps.map((each) => afterSteps(each, others)))
    const wrong = ends.flatMap(([known, is], at) => {
      const own = (lines: readonly string[]) => lines.filter((line) => !line.startsWith('other'))
      return known.join() === is.join()
        ? []
        : [{ steps: steps[at]!.map(describe), known: own(known), is: own(is) }]
    })
    deepEqual(wrong.slice(0, 3), [])
  })
}

test('an answer that is older than a listing and comes after it hides nothing', async () => {
  const is = (id: string, check: 'passing' | 'critical'): Step => ({
    ...{ service: 'web', id, node: nodeOf(id), tag: '' },
    check,
  })
  const steps: Step[] = [
    ...[is('web-1', 'passing'), 'names' as const, { asked: 'service' as const }, 'service' as const],
    // A change is read, and shows an instance that has gone when the listing without it is compared.
    ...[is('web-2', 'passing'), is('web-1', 'critical'), 'checks' as const],
    ...[{ asked: 'service' as const }, { made: 'service' as const }, { gone: 'web-2' }, 'names' as const],
    ...[{ asked: 'listing' as const }, 'listing' as const, 'service' as const],
  ]
  const [seen, there] = await afterSteps(steps, 0)
  deepEqual(seen, there)
})

test('a check that flips twice between two lists of checks, with a read in the middle, is known as it is', async () => {
  const is = (check: 'passing' | 'critical'): Step => ({
    service: 'web',
    id: 'web-1',
    node: 'n1',
    tag: '',
    check,
  })
  const known: Step[] = [is('passing'), 'names', 'service']
  const failed: Step[] = [...known, is('critical'), 'checks', is('passing'), 'service', is('critical')]
  const recovered: Step[] = [
    ...([...known, is('critical'), 'checks', 'service'] as Step[]),
    ...([is('passing'), 'checks', is('critical'), 'service', is('passing')] as Step[]),
  ]
  for (const steps of [failed, recovered]) {
    const [seen, there] = await afterSteps(steps, 0)
    deepEqual(seen, there)
  }
})

const describe = (step: Step): string =>
  typeof step === 'string' ? step : 'service' in step ? textOf(step) : JSON.stringify(step)
