// What clients notice when the plugins' working process is killed or stopped: 300 requests/s, open loop, both plugins.
import { flowing, resultOf, trafficTo } from '../support/grey-fault.ts'
import { type ProcessMesh, startProcessMesh } from '../support/process-mesh.ts'
import type { Traffic } from '../support/traffic.ts'
import { waitFor } from '../support/wait-for.ts'
import { type Figure, type Part, percentile } from './figure.ts'

const PER_SECOND = 300
const CALM_MS = 3_000
/** Of Kong's lua_socket_read_timeout, which a request waits for each of our access plugins at the most. */
const READ_TIMEOUT_MS = 500
const ACCESS_PLUGINS = 2

export const pluginFaults: Part = {
  name: 'plugin-faults',
  about: "the plugins' working process is killed, or stopped; 300 requests/s",
  async run(log) {
    const processes = await startProcessMesh()
    try {
      const service = processes.mesh.service('plugin-faults')
      await processes.deploy(service, 3)
      const traffic = trafficTo(processes.mesh.proxyUrl, service, { perSecond: PER_SECOND })
      try {
        await flowing(traffic)
        log('calm')
        await passed(traffic, CALM_MS)
        const calm = slowestOf(traffic, CALM_MS, 100)
        log('SIGKILL')
        const killed = await faulted(processes, traffic, 'SIGKILL')
        log('SIGSTOP')
        const stopped = await faulted(processes, traffic, 'SIGSTOP')
        return [
          { what: 'nothing wrong: slowest request', value: calm, unit: 'ms' },
          ...figures('SIGKILL', killed, calm + 50),
          ...figures('SIGSTOP', stopped, ACCESS_PLUGINS * READ_TIMEOUT_MS + 20),
        ]
      } finally {
        await traffic.stop()
      }
    } finally {
      await processes.stop()
    }
  },
}

interface Faulted {
  readonly failed: number
  readonly slowestMs: number
  readonly replacedMs: number
}

async function faulted({ plugins }: ProcessMesh, traffic: Traffic, signal: NodeJS.Signals): Promise<Faulted> {
  const pid = await waitFor(
    async () => {
      const { working, waiting } = await plugins.health()
      return waiting === null ? null : working
    },
    { what: 'a working and a waiting process' },
  )
  await passed(traffic, 1_000)
  const atMs = traffic.nowMs()
  process.kill(pid, signal)
  await waitFor(async () => ![null, pid].includes((await plugins.health()).working), {
    deadlineMs: 10_000,
    pollMs: 5,
    what: 'another working process',
  })
  const replacedMs = traffic.nowMs() - atMs
  await passed(traffic, CALM_MS)
  const shots = traffic.shots.filter(({ doneMs }) => doneMs >= atMs)
  return {
    failed: resultOf(shots, atMs).failed,
    slowestMs: slowestOf(traffic, CALM_MS + replacedMs, 100),
    replacedMs,
  }
}

const figures = (signal: string, { failed, slowestMs, replacedMs }: Faulted, goal: number): Figure[] => [
  { what: `${signal}: failed requests`, value: failed, unit: '', goal: 0 },
  { what: `${signal}: slowest request`, value: slowestMs, unit: 'ms', goal },
  { what: `${signal}: another process works after`, value: replacedMs, unit: 'ms', goal: 1_000 },
]

/** That much time of the traffic. */
async function passed(traffic: Traffic, ms: number): Promise<void> {
  const untilMs = traffic.nowMs() + ms
  await waitFor(() => traffic.nowMs() > untilMs, { deadlineMs: ms + 10_000, what: 'traffic' })
}

function slowestOf({ shots, nowMs }: Traffic, lastMs: number, percent: number): number {
  const sinceMs = nowMs() - lastMs
  return percentile(
    shots.filter(({ doneMs }) => doneMs >= sinceMs).map(({ sentMs, doneMs }) => doneMs - sentMs),
    percent,
  )
}
