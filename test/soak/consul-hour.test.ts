// Consul is gone for an hour by the clock of the operator and the plugins, and comes back empty. The hour goes by a minute a
// second, so that whatever looks at the clock sees it go by; what counts from a start sees a minute. SOAK_AWAY_SECONDS=3600 is
// an hour for both.
import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { isCutOff, registerAll } from '../faults/consul-faults.ts'
import { fault } from '../faults/fault.ts'
import { runFault } from '../faults/run-fault.ts'
import { clockIs, type FakeClock, makeFakeClock } from '../support/fake-clock.ts'

const HOUR = 3_600
const AWAY_SECONDS = Number(process.env.SOAK_AWAY_SECONDS ?? 60)

test('Consul is gone for an hour and back empty: no request fails, and a new service is served within a second', {
  timeout: (AWAY_SECONDS + 300) * 1_000,
}, async (t) => {
  const row = await runFault(
    fault<FakeClock>({
      name: 'consul-hour',
      what: 'Consul is gone for an hour',
      setUp: async (after) => {
        const clock = await makeFakeClock()
        after(() => clock.remove())
        return { resource: clock, mesh: { pluginsEnv: clock.env }, operatorEnv: async () => clock.env }
      },
      lastsMs: AWAY_SECONDS * 1_000,
      inject: async ({ mesh, resource: clock }) => {
        await mesh.consul.kill()
        const ahead = HOUR - AWAY_SECONDS
        for (let second = 1; second <= AWAY_SECONDS; second++) {
          clock.step(Math.round((ahead * second) / AWAY_SECONDS))
          await delay(1_000) // a second of the hour
        }
        await clockIs(`${mesh.apiUrl}/healthz`, ahead)
      },
      isNoticed: isCutOff,
      heal: async (stage) => {
        await stage.mesh.consul.start()
        await delay(3_000) // nobody is in the catalog for so long
        await registerAll(stage)
      },
      bounds: { failed: 0, newServiceMs: 1_000 },
    }),
    (what) => t.diagnostic(what),
  )
  const { sent, failed, newServiceMs, broken } = row.result!
  t.diagnostic(`${failed} failed of ${sent}; a new service served after ${newServiceMs.toFixed(0)} ms`)
  deepEqual(broken, [])
})
