import { equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { FakeMesh, type Fault } from './fake-mesh.ts'

const httpFaults: readonly Fault[] = [
  'freeze',
  'wake',
  'kill',
  'restart',
  'leave',
  'cutFromConsul',
  'cutFromPeers',
  'heal',
  'destroySession',
]
// Ending a session by hand under a TTL check is noticed by the watch only, some ms later: not promised.
const ttlFaults = httpFaults.filter((fault) => fault !== 'destroySession')

const cases: [what: string, check: 'http' | 'ttl', faults: readonly Fault[]][] = [
  ['probed by Consul', 'http', httpFaults],
  ['reporting their health themselves', 'ttl', ttlFaults],
]

for (const [what, check, faults] of cases) {
  test(`of operators ${what} never two may write at once, and one leads in the end`, () => {
    const step = fc.record({
      fault: fc.constantFrom(...faults),
      at: fc.nat({ max: 2 }),
      waitMs: fc.oneof(fc.nat({ max: 800 }), fc.nat({ max: 5000 }), fc.nat({ max: 25_000 })),
    })
    const run = fc.record({
      size: fc.integer({ min: 2, max: 3 }),
      seed: fc.integer(),
      steps: fc.array(step, { minLength: 1, maxLength: 25 }),
    })
    fc.assert(
      fc.property(run, ({ size, seed, steps }) => {
        const mesh = new FakeMesh(size, seed, check)
        const atMostOne = () => ok(mesh.writers().length <= 1, `${mesh.writers().join(' and ')} may write`)
        mesh.advance(3000, atMostOne)
        for (const { fault, at, waitMs } of steps) {
          mesh.inject(fault, at)
          mesh.advance(waitMs, atMostOne)
        }
        mesh.repair()
        mesh.advance(60_000, atMostOne)
        // A slow message may interrupt the lease at any one moment.
        let led = false
        mesh.advance(3000, () => (led ||= mesh.writers().length === 1))
        ok(led, 'nobody leads')
      }),
      { numRuns: Number(process.env['MODEL_RUNS'] ?? 100), includeErrorInReport: true },
    )
  })
}

for (const check of ['http', 'ttl'] as const) {
  test(`in a quiet mesh one leads without a gap, with a ${check} check`, () => {
    const mesh = new FakeMesh(3, 7, check, 0)
    mesh.advance(5000, () => {})
    const [leader] = mesh.writers()
    ok(leader)
    mesh.advance(120_000, () => equal(mesh.writers()[0], leader))
  })
}
