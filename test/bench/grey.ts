// What clients notice when an instance fails that its health check calls well: 200 requests/s, open loop, three
// instances, every part of kongsul a process of its own. The baseline is the same fault with the breaker disabled.
import {
  flowing,
  type GreyFault,
  type GreyResult,
  resultOf,
  trafficTo,
  watchFault,
} from '../support/grey-fault.ts'
import { type ProcessMesh, startProcessMesh } from '../support/process-mesh.ts'
import { waitFor } from '../support/wait-for.ts'
import type { Figure, Part } from './figure.ts'

interface Scenario {
  readonly what: string
  readonly strategy: 'round_robin' | 'least_connections'
  readonly fault: Pick<GreyFault, 'behaviour' | 'timeoutMs' | 'lastsMs'>
  readonly goals: { readonly failed: number; readonly overMs?: number }
  /** Of the failed requests of the baseline. */
  readonly maxRatio?: number
}

const SCENARIOS: readonly Scenario[] = [
  {
    what: 'answers 500, round-robin',
    strategy: 'round_robin',
    fault: { behaviour: { status: 500 }, lastsMs: 3_000 },
    goals: { failed: 10, overMs: 200 },
    maxRatio: 0.25,
  },
  {
    what: 'answers 500, least-connections',
    strategy: 'least_connections',
    fault: { behaviour: { status: 500 }, lastsMs: 3_000 },
    goals: { failed: 10, overMs: 200 },
    maxRatio: 0.25,
  },
  {
    what: 'hangs, clients give up after 1 s, round-robin',
    strategy: 'round_robin',
    fault: { behaviour: { hang: true }, timeoutMs: 1_000, lastsMs: 4_000 },
    goals: { failed: 80, overMs: 2_300 },
    maxRatio: 0.6,
  },
  {
    // Without a breaker the strategy itself keeps most requests away: no ratio.
    what: 'hangs, clients give up after 1 s, least-connections',
    strategy: 'least_connections',
    fault: { behaviour: { hang: true }, timeoutMs: 1_000, lastsMs: 4_000 },
    goals: { failed: 10 },
  },
]

export const grey: Part = {
  name: 'grey',
  about: 'an instance fails while its health check passes; 200 requests/s',
  async run(log) {
    const processes = await startProcessMesh()
    try {
      const figures: Figure[] = []
      for (const scenario of SCENARIOS) {
        log(scenario.what)
        figures.push(...(await compared(processes, scenario)))
      }
      log('comes back')
      figures.push(...(await comeBack(processes)))
      return figures
    } finally {
      await processes.stop()
    }
  },
}

async function compared(
  processes: ProcessMesh,
  { what, strategy, fault, goals, maxRatio }: Scenario,
): Promise<Figure[]> {
  const watched = async (mode: string): Promise<GreyResult> => {
    const base = `grey-${strategy.replace('_', '-')}-${'hang' in fault.behaviour ? 'hang' : 'status'}-${mode}`
    const service = processes.mesh.service(base)
    const [bad] = await processes.deploy(service, 3, {
      loadBalancing: { strategy },
      circuitBreaker: { mode },
    })
    const result = await watchFault(processes, { service, bad: [bad!], ...fault })
    await bad!.behave({})
    return result
  }
  const without = await watched('disabled')
  const result = await watched('auto')
  const failed: Figure = {
    what: `${what}: failed of ${result.sent} requests`,
    value: result.failed,
    unit: '',
    goal: goals.failed,
    baseline: { what: 'breaker disabled', value: without.failed },
    ...(maxRatio === undefined ? {} : { maxRatio }),
  }
  if (goals.overMs === undefined) return [failed]
  const over: Figure = {
    what: `${what}: fault -> last client that noticed`,
    value: result.lastSeenMs,
    unit: 'ms',
    goal: goals.overMs,
  }
  return [failed, over]
}

const OPEN_SECONDS = 2

/** An instance is mended while it is out. */
async function comeBack(processes: ProcessMesh): Promise<Figure[]> {
  const { mesh } = processes
  const service = mesh.service('grey-back')
  const circuitBreaker = { openSeconds: OPEN_SECONDS, backoff: { jitter: 0 } }
  const [bad] = await processes.deploy(service, 3, { circuitBreaker })
  const traffic = trafficTo(mesh.proxyUrl, service)
  await flowing(traffic)
  await bad!.behave({ status: 500 })
  await waitFor(async () => (await processes.healthOf(service, bad!.port)) === 'UNHEALTHY', {
    what: 'the ejection',
  })
  const ejectedMs = traffic.nowMs()
  await bad!.behave({})
  const hasShare = () => {
    const last = traffic.shots.filter(({ sentMs }) => sentMs > ejectedMs).slice(-60)
    return last.filter(({ instance }) => instance === bad!.name).length >= 18
  }
  await waitFor(hasShare, { what: 'its share of the requests' })
  const backMs = traffic.nowMs() - ejectedMs
  const { failed } = resultOf(
    (await traffic.stop()).filter(({ sentMs }) => sentMs > ejectedMs),
    ejectedMs,
  )
  return [
    {
      what: `comes back, openSeconds ${OPEN_SECONDS}: ejected -> 30 % of the requests again`,
      value: backMs,
      unit: 'ms',
      goal: OPEN_SECONDS * 1_000 + 500,
    },
    { what: 'comes back: failed requests after the ejection', value: failed, unit: '', goal: 0 },
  ]
}
