// Instances that fail while their health checks pass, with every part of kongsul a process of its own. A busy machine
// only makes all of it later: what is claimed is which requests fail, not how soon.
import { deepEqual, equal, ok } from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { trafficTo } from '../support/grey-fault.ts'
import type { GreyBehaviour, InstanceProcess } from '../support/instance.ts'
import { parseMetrics, sumOf } from '../support/metrics.ts'
import { type ProcessMesh, startProcessMesh } from '../support/process-mesh.ts'
import { describeFailures, type Traffic } from '../support/traffic.ts'
import { waitFor } from '../support/wait-for.ts'

const PATIENT = { deadlineMs: 60_000, pollMs: 50 } as const

let processes: ProcessMesh
before(async () => {
  // A busy machine may hold a process up for long; one that took its place would count anew.
  processes = await startProcessMesh({ pluginsArgs: ['--hang-ms', '10000'] })
})
after(() => processes?.stop())

const metric = async (name: string, labels: Record<string, string> = {}) =>
  sumOf(parseMetrics(await processes.plugins.metrics()), name, labels)
const isOut = async (service: string, { port }: InstanceProcess) =>
  (await processes.healthOf(service, port)) === 'UNHEALTHY'

/**
 * Three instances whose checks pass whatever happens: one that is asked may be late on a busy machine, and with too few healthy ones
 * the breaker puts the bad one back.
 */
const deploy = (service: string, settings: object) =>
  processes.deploy(service, 3, settings, { checks: [{ TTL: '1h', Status: 'passing' }] })

/** Traffic of 40 requests/s around `body`, once it flows. */
async function underTraffic(
  service: string,
  body: (traffic: Traffic) => Promise<void>,
  timeoutMs = 10_000,
): Promise<void> {
  const traffic = trafficTo(processes.mesh.proxyUrl, service, { perSecond: 40, timeoutMs })
  try {
    await waitFor(() => traffic.shots.filter(({ status }) => status === 200).length >= 20, {
      ...PATIENT,
      what: 'traffic',
    })
    await body(traffic)
  } finally {
    await traffic.stop()
  }
}

/** Waits for that many results of requests sent from now on. */
async function moreOf(traffic: Traffic, count: number) {
  const sinceMs = traffic.nowMs()
  const later = () => traffic.shots.filter(({ sentMs }) => sentMs > sinceMs)
  await waitFor(() => later().length >= count, { ...PATIENT, what: `${count} more results` })
  return later()
}

const out = (service: string, instance: InstanceProcess) =>
  waitFor(() => isOut(service, instance), { ...PATIENT, what: `${instance.name} being out` })

const CASES: readonly [what: string, strategy: string, behaviour: GreyBehaviour][] = [
  ['answers 500', 'round_robin', { status: 500 }],
  ['answers 500', 'least_connections', { status: 500 }],
  ['hangs', 'round_robin', { hang: true }],
  ['hangs', 'least_connections', { hang: true }],
]
for (const [index, [what, strategy, behaviour]] of CASES.entries()) {
  test(`an instance that ${what} is ejected once and fails no request from then on, ${strategy}`, async () => {
    const service = `once-${index}`
    const [bad, ...good] = (await deploy(service, { loadBalancing: { strategy } })) as [
      InstanceProcess,
      ...InstanceProcess[],
    ]
    const ejections = await metric('mesh_ejections_total')
    await underTraffic(
      service,
      async (traffic) => {
        await bad.behave(behaviour)
        await out(service, bad)
        deepEqual(describeFailures(await moreOf(traffic, 100)), [])
        ok(await isOut(service, bad))
        deepEqual(await Promise.all(good.map((each) => isOut(service, each))), [false, false])
        equal(await metric('mesh_ejections_total'), ejections + 1)
      },
      // Longer than a busy machine takes, shorter than anybody waits.
      behaviour.hang ? 2_000 : 10_000,
    )
  })
}

test('an instance that was mended has its share again, and fails no request on the way', async () => {
  const service = 'mended'
  const circuitBreaker = { openSeconds: 2, backoff: { jitter: 0 } }
  const [bad] = (await deploy(service, { circuitBreaker })) as [InstanceProcess]
  await underTraffic(service, async (traffic) => {
    await bad.behave({ status: 500 })
    await out(service, bad)
    await bad.behave({})
    const mendedMs = traffic.nowMs()
    const later = () => traffic.shots.filter(({ sentMs }) => sentMs > mendedMs)
    const ofIt = () =>
      later()
        .slice(-60)
        .filter(({ instance }) => instance === bad.name).length
    await waitFor(() => ofIt() >= 18, { ...PATIENT, what: 'its share of the requests' })
    deepEqual(describeFailures(later()), [])
  })
})

test('an instance that is still bad when it is tried again goes out again, for longer', async () => {
  const service = 'still-bad'
  const circuitBreaker = { openSeconds: 1, backoff: { jitter: 0, factor: 60 } }
  const [bad] = (await deploy(service, { circuitBreaker })) as [InstanceProcess]
  const ejections = await metric('mesh_ejections_total')
  await underTraffic(service, async (traffic) => {
    await bad.behave({ status: 500 })
    await waitFor(async () => (await metric('mesh_ejections_total')) === ejections + 2, PATIENT)
    await out(service, bad)
    deepEqual(describeFailures(await moreOf(traffic, 80)), [])
    equal(await metric('mesh_ejections_total'), ejections + 2)
  })
})

test('of three instances one is ejected, and the second bad one stays: the cap is half', async () => {
  const service = 'capped'
  // The service itself is not what is looked at.
  const circuitBreaker = { service: { failureRate: 0 } }
  const [one, two] = (await deploy(service, { circuitBreaker })) as InstanceProcess[]
  await underTraffic(service, async (traffic) => {
    await Promise.all([one, two].map((each) => each!.behave({ status: 500 })))
    const overflow = () => metric('mesh_circuit_ejection_overflow_total', { service })
    await waitFor(async () => (await overflow()) >= 1, { ...PATIENT, what: 'the overflow' })
    await moreOf(traffic, 40)
    deepEqual([await isOut(service, one!), await isOut(service, two!)].sort(), [false, true])
    equal(await metric('mesh_circuit_panic', { service }), 0)
  })
})

test('when too few are left all get requests, and the verdicts stay to be seen', async () => {
  const service = 'panic'
  const circuitBreaker = { service: { failureRate: 0 }, ejection: { maxPercent: 100 } }
  const all = (await deploy(service, { circuitBreaker })) as InstanceProcess[]
  await underTraffic(service, async () => {
    await Promise.all(all.slice(0, 2).map((each) => each.behave({ status: 500 })))
    await waitFor(async () => (await metric('mesh_circuit_panic', { service })) === 1, {
      ...PATIENT,
      what: 'the panic',
    })
    const anyOut = async () => (await Promise.all(all.map((each) => isOut(service, each)))).includes(true)
    await waitFor(async () => !(await anyOut()), { ...PATIENT, what: 'all being back' })
    equal(await metric('mesh_instance_circuit_state', { service, state: 'ejected' }), 2)
  })
})
