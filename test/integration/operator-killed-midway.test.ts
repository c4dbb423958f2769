// kill -9 of the operator at every Admin call of an apply, one run per call: the next run converges, traffic never fails.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type FaultyProxy, startFaultyProxy } from '../support/faulty-proxy.ts'
import type { InstanceProcess } from '../support/instance.ts'
import { runKongsul } from '../support/kongsul-process.ts'
import { Mesh } from '../support/mesh.ts'
import { describeFailures, startTraffic } from '../support/traffic.ts'
import { waitFor } from '../support/wait-for.ts'

/** More calls than one apply of the changes below needs: the loop ends by itself well before. */
const MOST_CALLS = 40

let mesh: Mesh
let admin: FaultyProxy
/** Called for each call of an apply on its way to Kong; true ends the operator there. */
let isDeadly = (_method: string): boolean => false
/** Methods of the calls at which it was killed. */
const killedAt: string[] = []
/** Writes, and the reads of single entities before them; not the looks at health and at the node that go on at rest. */
const isOfApply = (method: string, path: string): boolean =>
  method !== 'GET' || /^\/(upstreams|services|routes)\/[^/?]+(\/targets\/[^/?]+)?$/.test(path)

before(async () => {
  mesh = await Mesh.start()
  admin = await startFaultyProxy(mesh.adminUrl, (method, path) => {
    if (!isOfApply(method, path) || !isDeadly(method)) return 'none'
    killedAt.push(method)
    process.kill(mesh.operator.pid, 'SIGKILL')
    return 'drop'
  })
})
after(async () => {
  await mesh.stop()
  await admin.close()
})

const startOperator = () => mesh.startOperator({ KONG_ADMIN_URL: admin.url })

/** Changes of every kind at once: a new service, an instance more, one less, another strategy. The next run takes them back. */
async function change(run: number, steady: string, spares: readonly InstanceProcess[]): Promise<string> {
  const isOdd = run % 2 === 1
  await mesh.setKv(`mesh/services/${steady}`, {
    loadBalancing: { strategy: isOdd ? 'ip_hash' : 'least_connections' },
  })
  const [comes, goes] = isOdd ? [spares[0]!, spares[1]!] : [spares[1]!, spares[0]!]
  await mesh.register({ id: comes.name, name: steady, port: comes.port })
  await mesh.deregister(goes.name)
  const fresh = mesh.service(`fresh${run}`)
  await mesh.register({ id: fresh, name: fresh, port: comes.port })
  return fresh
}

/** Waits until Kong is what the changes of this run ask for. */
async function converged(
  run: number,
  steady: string,
  fresh: string,
  spares: readonly InstanceProcess[],
): Promise<void> {
  const isOdd = run % 2 === 1
  await waitFor(
    async () => {
      const { body } = await mesh.admin('GET', `/upstreams/${steady}.mesh`)
      const targets = await mesh.targets(steady)
      return (
        body.algorithm === (isOdd ? 'consistent-hashing' : 'least-connections') &&
        targets.length === 4 &&
        targets.some(({ target }) => target.endsWith(`:${spares[isOdd ? 0 : 1]!.port}`)) &&
        (await mesh.get(fresh, '/')).status === 200
      )
    },
    { what: `run ${run} to converge`, deadlineMs: 60_000 },
  )
}

test('an operator killed at any Admin call of an apply leaves Kong serving, and the next one finishes', async (t) => {
  const steady = mesh.service('steady')
  await startOperator()
  await mesh.deploy(steady, 3)
  const spares = [await mesh.startInstance(`${steady}-a`), await mesh.startInstance(`${steady}-b`)]
  await mesh.register({ id: spares[1]!.name, name: steady, port: spares[1]!.port })
  const traffic = startTraffic({
    url: mesh.proxyUrl,
    headers: () => ({ host: `${steady}.mesh` }),
    perSecond: 50,
    timeoutMs: 30_000,
  })
  t.after(() => traffic.stop())
  await waitFor(async () => (await mesh.targets(steady)).length === 4, { what: 'four targets' })
  let runs = 0
  /** Changes everything once and ends the operator at the first call that `isIt`; false when it was never made. */
  const killedOnce = async (isIt: (method: string) => boolean): Promise<boolean> => {
    const run = ++runs
    let hasKilled = false
    isDeadly = (method) => {
      if (hasKilled) return false
      hasKilled = isIt(method)
      return hasKilled
    }
    const fresh = await change(run, steady, spares)
    await Promise.race([mesh.operator.exited, converged(run, steady, fresh, spares).catch(() => {})])
    isDeadly = () => false
    if (!hasKilled) return false
    await mesh.operator.exited
    await startOperator()
    await converged(run, steady, fresh, spares)
    return true
  }
  let kills = 0
  let isUndisturbed = false
  while (kills < MOST_CALLS && !isUndisturbed) {
    let countdown = kills + 1
    isUndisturbed = !(await killedOnce(() => --countdown === 0))
    if (!isUndisturbed) kills += 1
  }
  // In which order the changes of a run come differs from run to run: each kind of call has had its turn.
  for (const wanted of ['DELETE', 'PATCH', 'POST']) {
    if (!killedAt.includes(wanted)) assert.ok(await killedOnce((method) => method === wanted), wanted)
  }
  assert.ok(kills >= 9, `only ${kills} calls were interrupted`)
  assert.deepEqual([...new Set(killedAt)].sort(), ['DELETE', 'GET', 'PATCH', 'POST'])
  assert.ok(isUndisturbed, 'the last run was to finish undisturbed')
  assert.deepEqual(describeFailures(await traffic.stop()), [])
  const plan = await runKongsul(['plan'], {
    CONSUL_HTTP_ADDR: mesh.consul.url,
    KONG_ADMIN_URL: mesh.adminUrl,
    KONGSUL_ADDR: mesh.apiUrl,
  })
  assert.equal(plan.code, 0, plan.stdout + plan.stderr)
})
