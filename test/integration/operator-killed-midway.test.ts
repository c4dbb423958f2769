// kill -9 of the operator at every Admin call of an apply, one run per call: the next run converges, traffic never fails.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type FaultyProxy, startFaultyProxy } from '../support/faulty-proxy.ts'
import { type KilledMidway, killedMidway } from '../support/killed-midway.ts'
import { runKongsul } from '../support/kongsul-process.ts'
import { Mesh } from '../support/mesh.ts'
import { describeFailures, startTraffic } from '../support/traffic.ts'

let mesh: Mesh
let admin: FaultyProxy
let midway: KilledMidway

before(async () => {
  mesh = await Mesh.start()
  admin = await startFaultyProxy(mesh.adminUrl, (method, path) =>
    midway.isLast(method, path) ? 'drop' : 'none',
  )
  midway = killedMidway({ mesh, service: mesh.service('steady'), startOperator })
})
after(async () => {
  await mesh.stop()
  await admin.close()
})

const startOperator = () => mesh.startOperator({ KONG_ADMIN_URL: admin.url })

test('an operator killed at any Admin call of an apply leaves Kong serving, and the next one finishes', async (t) => {
  const steady = mesh.service('steady')
  await startOperator()
  await mesh.deploy(steady, 3)
  const traffic = startTraffic({
    url: mesh.proxyUrl,
    headers: () => ({ host: `${steady}.mesh` }),
    perSecond: 50,
    timeoutMs: 30_000,
  })
  t.after(() => traffic.stop())
  const killedAt = await midway.run()
  assert.deepEqual([...new Set(killedAt)].sort(), ['DELETE', 'GET', 'PATCH', 'POST'])
  assert.deepEqual(describeFailures(await traffic.stop()), [])
  const plan = await runKongsul(['plan'], {
    CONSUL_HTTP_ADDR: mesh.consul.url,
    KONG_ADMIN_URL: mesh.adminUrl,
    KONGSUL_ADDR: mesh.apiUrl,
  })
  assert.equal(plan.code, 0, plan.stdout + plan.stderr)
})
