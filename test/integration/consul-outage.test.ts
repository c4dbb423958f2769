// Consul is killed for five seconds under traffic, and comes back with its data or with an empty catalog.
import { deepEqual, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { consulOutage } from '../support/consul-outage.ts'
import { Mesh } from '../support/mesh.ts'
import { describeFailures } from '../support/traffic.ts'

/** On a machine of one's own it takes less than 1 s, which `npm run bench` measures. */
const GENEROUS_MS = 10_000

for (const [what, keepData] of [
  ['with its data', true],
  ['with an empty catalog', false],
] as const) {
  test(`Consul killed for 5 s and back ${what}: no request fails, and a new service is served`, async (t) => {
    const mesh = await Mesh.start({}, undefined, { keepData })
    try {
      await mesh.startOperator()
      const { shots, seenAfterMs } = await consulOutage(mesh, { downMs: 5_000, perSecond: 100 })
      deepEqual(describeFailures(shots), [])
      t.diagnostic(`a new service was served ${seenAfterMs.toFixed(0)} ms after Consul listed it`)
      ok(seenAfterMs < GENEROUS_MS, `${seenAfterMs.toFixed(0)} ms`)
    } finally {
      await mesh.stop()
    }
  })
}
