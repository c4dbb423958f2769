// What the mesh's features cost at 300 requests/s, open loop: the same gateway and the same instances, through a service
// with the mesh's plugins and through one that somebody made by hand, in turns. And what they are for: an instance that
// fails every request gets none soon after, but for the trials that are to tell when it is well again.
import { flowing, resultOf, trafficTo } from '../support/grey-fault.ts'
import { parseMetrics, sumOf } from '../support/metrics.ts'
import { type ProcessMesh, startProcessMesh } from '../support/process-mesh.ts'
import type { Shot } from '../support/traffic.ts'
import { waitFor } from '../support/wait-for.ts'
import { type Figure, type Part, percentile } from './figure.ts'

const PER_SECOND = 300
const ROUNDS = 3
const ROUND_MS = 3_000
/** By then nothing but trials may reach an instance that fails. */
const SOON_MS = 2_000
const FAILS_MS = 8_000
const OPEN_SECONDS = 2

export const features: Part = {
  name: 'features',
  about: `what the plugins add at ${PER_SECOND} requests/s, and what an instance that fails still gets`,
  async run(log) {
    const processes = await startProcessMesh()
    try {
      log(`with and without the plugins, ${ROUNDS} times`)
      const added = await latencies(processes)
      log('an instance fails every request')
      return [...added, ...(await failing(processes))]
    } finally {
      await processes.stop()
    }
  },
}

async function latencies(processes: ProcessMesh): Promise<Figure[]> {
  const { mesh } = processes
  const service = mesh.service('features')
  const byHand = mesh.service('by-hand')
  await processes.deploy(service, 3)
  const made = await mesh.admin('POST', '/services', { name: byHand, host: `${service}.mesh` })
  await mesh.admin('POST', `/services/${byHand}/routes`, { name: byHand, hosts: [`${byHand}.mesh`] })
  await mesh.waitLive(byHand)
  const took = { with: [] as number[], without: [] as number[] }
  for (let round = 0; round < ROUNDS; round++) {
    took.without.push(...(await oneRound(mesh.proxyUrl, byHand)))
    took.with.push(...(await oneRound(mesh.proxyUrl, service)))
  }
  await mesh.admin('DELETE', `/routes/${byHand}`)
  await mesh.admin('DELETE', `/services/${made.body.id}`)
  const figure = (percent: number): Figure => ({
    what: `${PER_SECOND} requests/s with tracing and circuit breaker, p${percent}`,
    value: percentile(took.with, percent),
    unit: 'ms',
    baseline: { what: 'the same gateway without them', value: percentile(took.without, percent) },
  })
  const rows = [figure(50), figure(99)]
  const added = (row: Figure, percent: number): Figure => ({
    what: `the same: they add at p${percent}`,
    value: row.value - row.baseline!.value,
    unit: 'ms',
    ...(percent === 99 ? { goal: 10 } : {}),
  })
  return [...rows, added(rows[0]!, 50), added(rows[1]!, 99)]
}

/** ms that each request took once they flowed. @throws Error when one failed */
async function oneRound(proxyUrl: string, service: string): Promise<readonly number[]> {
  const traffic = trafficTo(proxyUrl, service, { perSecond: PER_SECOND })
  try {
    await flowing(traffic)
    const sinceMs = traffic.nowMs()
    await waitFor(() => traffic.nowMs() > sinceMs + ROUND_MS, {
      deadlineMs: ROUND_MS + 30_000,
      what: 'the round',
    })
    const shots = (await traffic.stop()).filter(({ sentMs }) => sentMs >= sinceMs)
    const { failed } = resultOf(shots, sinceMs)
    if (failed > 0) throw new Error(`${failed} of ${shots.length} requests to ${service} failed`)
    return shots.map(({ sentMs, doneMs }) => doneMs - sentMs)
  } finally {
    await traffic.stop()
  }
}

/** The same fault at once on a service as it is, on one with trials soon, and on one without a breaker. */
async function failing(processes: ProcessMesh): Promise<Figure[]> {
  const { mesh, plugins } = processes
  const breakers = [
    {},
    { openSeconds: OPEN_SECONDS, backoff: { factor: 1, jitter: 0 } },
    { mode: 'disabled' },
  ] as const
  const services = await Promise.all(
    breakers.map(async (circuitBreaker, n) => {
      const name = mesh.service(`failing-${n}`)
      const [bad] = await processes.deploy(name, 3, { circuitBreaker })
      return {
        bad: bad!,
        traffic: trafficTo(mesh.proxyUrl, name, { perSecond: PER_SECOND / breakers.length }),
      }
    }),
  )
  try {
    for (const { traffic } of services) await flowing(traffic)
    const trialsSoFar = async () =>
      sumOf(parseMetrics(await plugins.metrics()), 'mesh_circuit_transitions_total', {
        circuit: 'instance',
        to: 'probing',
      })
    const before = await trialsSoFar()
    const late = await Promise.all(
      services.map(async ({ bad, traffic }) => {
        const atMs = traffic.nowMs()
        await bad.behave({ status: 500 })
        await waitFor(() => traffic.nowMs() > atMs + FAILS_MS, {
          deadlineMs: FAILS_MS + 30_000,
          what: 'the fault being watched',
        })
        const after = (shot: Shot) => shot.sentMs > atMs + SOON_MS
        const shots = (await traffic.stop()).filter(after)
        return { sent: shots.length, got: shots.filter(({ instance }) => instance === bad.name).length }
      }),
    )
    const rounds = (await trialsSoFar()) - before
    const [asIs, withTrials, without] = late as [Late, Late, Late]
    return [
      {
        what: `fails every request: what it got of ${asIs.sent} later than ${SOON_MS / 1_000} s`,
        value: asIs.got,
        unit: '',
        goal: 0,
        baseline: { what: 'breaker disabled', value: without.got },
      },
      {
        what: `the same, openSeconds ${OPEN_SECONDS}: what it got in ${rounds} trials, for each`,
        value: withTrials.got / Math.max(1, rounds),
        unit: '',
      },
    ]
  } finally {
    for (const { traffic } of services) await traffic.stop()
  }
}

interface Late {
  readonly sent: number
  readonly got: number
}
