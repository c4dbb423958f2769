// The plugin processes die, hang and start again while requests go through the gateway: both plugins, real outcomes.
import { deepEqual, equal, ok } from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { trafficTo } from '../support/grey-fault.ts'
import type { InstanceProcess } from '../support/instance.ts'
import { parseMetrics, sumOf } from '../support/metrics.ts'
import { type ProcessMesh, startProcessMesh } from '../support/process-mesh.ts'
import { describeFailures, type Traffic } from '../support/traffic.ts'
import { waitFor } from '../support/wait-for.ts'

const PATIENT = { deadlineMs: 60_000, pollMs: 50 } as const

let processes: ProcessMesh
before(async () => {
  processes = await startProcessMesh()
})
after(() => processes?.stop())

const metric = async (name: string, labels: Record<string, string> = {}) =>
  sumOf(parseMetrics(await processes.plugins.metrics()), name, labels)
const pluginsOf = async (service: string): Promise<unknown[]> =>
  (await processes.mesh.admin('GET', `/services/mesh.${service}/plugins`)).body.data ?? []
const becomes = (service: string, { port }: InstanceProcess, health: string) =>
  waitFor(async () => (await processes.healthOf(service, port)) === health, { ...PATIENT, what: health })

async function underTraffic(service: string, body: (traffic: Traffic) => Promise<void>): Promise<void> {
  const traffic = trafficTo(processes.mesh.proxyUrl, service, { perSecond: 60 })
  try {
    await more(traffic, 30)
    await body(traffic)
  } finally {
    await traffic.stop()
  }
}
async function more(traffic: Traffic, count: number) {
  const sinceMs = traffic.nowMs()
  const isDone = () => traffic.shots.filter(({ sentMs }) => sentMs > sinceMs).length >= count
  await waitFor(isDone, { ...PATIENT, what: `${count} more results` })
}
/** A working process, and another that waits to take its place. */
const settled = () =>
  waitFor(
    async () => {
      const { working, waiting } = await processes.plugins.health()
      return working !== null && waiting !== null ? { working } : null
    },
    { ...PATIENT, what: 'a working and a waiting process' },
  )
async function replaced(working: number): Promise<void> {
  const isOther = async () => ![null, working].includes((await processes.plugins.health()).working)
  await waitFor(isOther, { ...PATIENT, what: 'another working process' })
}

for (const signal of ['SIGKILL', 'SIGSTOP'] as const) {
  test(`no request fails when the working process gets ${signal}, and outcomes are counted on`, async () => {
    const service = `faults-${signal.toLowerCase()}`
    await processes.deploy(service, 2)
    await underTraffic(service, async (traffic) => {
      for (let round = 0; round < 2; round++) {
        const { working } = await settled()
        process.kill(working, signal)
        await replaced(working)
        await more(traffic, 60)
      }
      deepEqual(describeFailures(traffic.shots), [])
      await waitFor(async () => (await metric('mesh_outcomes_total', { source: 'upstream' })) > 0, PATIENT)
    })
  })
}

test('a circuit that is forced open stays open for the process that takes over', async () => {
  const service = 'forced'
  await processes.deploy(service, 1)
  const { mesh } = processes
  const { body } = await mesh.admin('GET', `/services/mesh.${service}/plugins`)
  const plugin = body.data.find(({ name }: { name: string }) => name === 'mesh-circuit-breaker')
  await mesh.admin('PATCH', `/plugins/${plugin.id}`, { config: { mode: 'forced_open' } })
  await waitFor(async () => (await mesh.get(service, '/')).status === 503, PATIENT)
  // Long before the operator reads Kong again.
  const isTold = async () => {
    const answer = await fetch(`${mesh.apiUrl}/api/v1/mesh/v2/circuits?service=${service}`)
    const { circuits } = (await answer.json()) as { circuits: { state: string; mode_set_in: string }[] }
    return circuits.some(({ state, mode_set_in }) => state === 'forced_open' && mode_set_in === 'kong')
  }
  await waitFor(isTold, { ...PATIENT, what: 'the operator knowing who has forced it open' })
  const { working } = await settled()
  process.kill(working, 'SIGKILL')
  await replaced(working)
  for (let i = 0; i < 20; i++) {
    const answer = await mesh.get(service, '/')
    deepEqual([answer.status, JSON.parse(await answer.text()).state], [503, 'forced_open'])
  }
})

test('the process that takes over puts back what the one before has ejected', async () => {
  const service = 'taken-over'
  const circuitBreaker = { openSeconds: 8, backoff: { jitter: 0 } }
  const [bad] = (await processes.deploy(service, 3, { circuitBreaker })) as [InstanceProcess]
  await underTraffic(service, async () => {
    // After a few kills the next spare comes late: not while the ejection runs.
    await settled()
    await bad.behave({ status: 500 })
    await becomes(service, bad, 'UNHEALTHY')
    // Kong is told first, Consul beside it: what was not written yet nobody can know.
    const claims = `/kv/mesh/ejections/${service}.mesh/?keys`
    const isClaimed = async () =>
      ((await processes.mesh.consul.request('GET', claims)) as unknown[]).length === 1
    await waitFor(isClaimed, { ...PATIENT, what: 'the claim of the ejection' })
    await bad.behave({})
    const { working } = await settled()
    process.kill(working, 'SIGKILL')
    await replaced(working)
    await waitFor(
      async () => (await metric('mesh_instance_circuit_state', { service, state: 'ejected' })) === 1,
      {
        ...PATIENT,
        what: 'the ejection being known to the new process',
      },
    )
    await becomes(service, bad, 'HEALTHY')
    ok((await metric('mesh_ejection_returns_total')) >= 1, 'put back by the plugins')
    const isClosed = async () =>
      (await metric('mesh_instance_circuit_state', { service, state: 'closed' })) === 3
    await waitFor(isClosed, { ...PATIENT, what: 'good tries' })
  })
})

test('what is ejected when all of the plugins are killed is put back, by the operator or by those that come after', async () => {
  const circuitBreaker = { openSeconds: 3, backoff: { jitter: 0 } }
  const services = ['left-behind', 'come-after']
  const bad: InstanceProcess[] = []
  for (const service of services) bad.push((await processes.deploy(service, 3, { circuitBreaker }))[0]!)
  const [left, after] = bad as [InstanceProcess, InstanceProcess]

  await underTraffic(services[0]!, async (traffic) => {
    await left.behave({ status: 500 })
    await becomes(services[0]!, left, 'UNHEALTHY')
    await processes.plugins.kill()
    await left.behave({})
    const sinceMs = traffic.nowMs()
    await becomes(services[0]!, left, 'HEALTHY')
    // A change of any plugin would be a 500 for every request now: the service comes without, and they when they can.
    await processes.mesh.deploy('newcomer', 1)
    deepEqual(await pluginsOf('newcomer'), [])
    const status = await fetch(`${processes.mesh.apiUrl}/api/v1/mesh/v2/status`)
    const { problems } = (await status.json()) as { problems: { code: string }[] }
    ok(problems.some(({ code }) => code === 'PLUGINS_SILENT'))
    await more(traffic, 60)
    const later = traffic.shots.filter(({ sentMs }) => sentMs > sinceMs)
    deepEqual(
      describeFailures(later),
      [],
      `requests go on without plugins\n${processes.mesh.gatewayOutput().slice(-3000)}`,
    )
  })

  await processes.startPlugins()
  await waitFor(async () => (await pluginsOf('newcomer')).length === 2, { ...PATIENT, what: 'its plugins' })
  await underTraffic(services[1]!, async () => {
    await after.behave({ status: 500 })
    await becomes(services[1]!, after, 'UNHEALTHY')
    await processes.plugins.kill()
    await after.behave({})
    await processes.startPlugins()
    await becomes(services[1]!, after, 'HEALTHY')
    const isClosed = async () =>
      (await metric('mesh_instance_circuit_state', { service: services[1]!, state: 'closed' })) === 3
    await waitFor(isClosed, { ...PATIENT, what: 'closed circuits' })
  })
  equal((await fetch(`${processes.mesh.apiUrl}/readyz`)).status, 200)
})
