// kill -9 of the operator at every write of an apply, one run per write: the next run converges, traffic never fails.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type FaultyProxy, startFaultyProxy } from '../support/faulty-proxy.ts'
import type { InstanceProcess } from '../support/instance.ts'
import { runKongsul } from '../support/kongsul-process.ts'
import { Mesh } from '../support/mesh.ts'
import { describeFailures, startTraffic } from '../support/traffic.ts'
import { waitFor } from '../support/wait-for.ts'

/** More writes than one apply of the changes below needs: the loop ends by itself well before. */
const MOST_WRITES = 30

let mesh: Mesh
let admin: FaultyProxy
/** Called for each write on its way to Kong; true ends the operator there. */
let isDeadly = (): boolean => false

before(async () => {
  mesh = await Mesh.start()
  admin = await startFaultyProxy(mesh.adminUrl, (method) => {
    if (method === 'GET' || !isDeadly()) return 'none'
    process.kill(mesh.operator.pid, 'SIGKILL')
    return 'drop'
  })
})
after(async () => {
  await mesh.stop()
  await admin.close()
})

const startOperator = () => mesh.startOperator({ KONG_ADMIN_URL: admin.url })

/** Changes of every kind at once: a new service, an instance more or less, another strategy. */
async function change(run: number, steady: string, spare: InstanceProcess): Promise<string> {
  const isOdd = run % 2 === 1
  await mesh.setKv(`mesh/services/${steady}`, {
    loadBalancing: { strategy: isOdd ? 'ip_hash' : 'least_connections' },
  })
  if (isOdd) await mesh.register({ id: spare.name, name: steady, port: spare.port })
  else await mesh.deregister(spare.name)
  const fresh = mesh.service(`fresh${run}`)
  await mesh.register({ id: fresh, name: fresh, port: spare.port })
  return fresh
}

/** Waits until Kong is what the changes of this run ask for. */
async function converged(run: number, steady: string, fresh: string): Promise<void> {
  const isOdd = run % 2 === 1
  await waitFor(
    async () => {
      const { body } = await mesh.admin('GET', `/upstreams/${steady}.mesh`)
      const targets = await mesh.targets(steady)
      return (
        body.algorithm === (isOdd ? 'consistent-hashing' : 'least-connections') &&
        targets.length === (isOdd ? 4 : 3) &&
        (await mesh.get(fresh, '/')).status === 200
      )
    },
    { what: `run ${run} to converge`, deadlineMs: 20_000 },
  )
}

test('an operator killed at any write of an apply leaves Kong serving, and the next one finishes', async () => {
  const steady = mesh.service('steady')
  await startOperator()
  await mesh.deploy(steady, 3)
  const spare = await mesh.startInstance(`${steady}-spare`)
  const traffic = startTraffic({
    url: mesh.proxyUrl,
    headers: () => ({ host: `${steady}.mesh` }),
    perSecond: 100,
  })
  let kills = 0
  for (let write = 1; write <= MOST_WRITES; write++) {
    let countdown = write
    let hasKilled = false
    isDeadly = () => {
      countdown -= 1
      if (countdown === 0) hasKilled = true
      return countdown === 0
    }
    const fresh = await change(write, steady, spare)
    await Promise.race([mesh.operator.exited, converged(write, steady, fresh).catch(() => {})])
    isDeadly = () => false
    if (!hasKilled) break
    kills += 1
    await mesh.operator.exited
    await startOperator()
    await converged(write, steady, fresh)
  }
  assert.ok(kills >= 7, `only ${kills} writes were interrupted`)
  assert.ok(kills < MOST_WRITES, 'the last run was to finish undisturbed')
  assert.deepEqual(describeFailures(await traffic.stop()), [])
  const plan = await runKongsul(['plan'], {
    CONSUL_HTTP_ADDR: mesh.consul.url,
    KONG_ADMIN_URL: mesh.adminUrl,
    KONGSUL_ADDR: mesh.apiUrl,
  })
  assert.equal(plan.code, 0, plan.stdout + plan.stderr)
})
