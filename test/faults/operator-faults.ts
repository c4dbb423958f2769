// What happens to the operator: it may die at any moment, or sleep and wake where another has taken over.
import { killedMidway } from '../support/killed-midway.ts'
import { FEED_TOKEN } from '../support/plugin-server.ts'
import { waitFor } from '../support/wait-for.ts'
import { type Fault, fault } from './fault.ts'
import type { Stage } from './stage.ts'

/** Another operator of the same mesh, by its URL. */
interface Standby {
  url: string
}

const ASLEEP_MS = 60_000

const withStandby = async () => ({ resource: { url: '' } satisfies Standby, between: ['admin'] as const })

async function addStandby({ mesh, resource }: Stage<Standby>): Promise<void> {
  resource.url = (await mesh.addOperator({ KONGSUL_FEED_TOKEN: FEED_TOKEN })).url
}

const standbyLeads = async ({ resource, status }: Stage<Standby>) =>
  resource.url !== '' && (await status(resource.url)).leading

const ended = (name: string, what: string, signal: NodeJS.Signals, takeoverMs: number): Fault<never> =>
  fault<Standby>({
    name,
    what,
    setUp: withStandby,
    lastsMs: 0,
    arrange: addStandby,
    inject: async (stage) => {
      await stage.mesh.operator.stop(signal)
      await waitFor(() => standbyLeads(stage), { deadlineMs: 60_000, pollMs: 20, what: 'the other leading' })
    },
    isNoticed: standbyLeads,
    heal: ({ processes }) => processes.startOperator(),
    bounds: { failed: 0, noticedMs: takeoverMs },
  })

export const OPERATOR_FAULTS: readonly Fault<never>[] = [
  ended(
    'operator-killed',
    'the operator that leads gets SIGKILL; another takes over within 3 s',
    'SIGKILL',
    3_000,
  ),
  ended(
    'operator-stopped',
    'the operator that leads is stopped; another takes over within 1 s',
    'SIGTERM',
    1_000,
  ),
  (() => {
    let killedAt: readonly string[] = []
    return fault({
      name: 'operator-killed-midway',
      what: 'the operator gets SIGKILL at every Admin call of an apply, one run for each call',
      setUp: async () => ({ resource: null, between: ['admin'] }),
      lastsMs: 0,
      inject: async ({ mesh, service, chaos, processes }) => {
        const startOperator = () => processes.startOperator()
        const midway = killedMidway({ mesh, service, startOperator })
        chaos.admin = ({ method, path }) => ({ what: midway.isLast(method, path) ? 'cutAfter' : 'none' })
        killedAt = await midway.run()
      },
      heal: ({ mesh, service }) => mesh.setKv(`mesh/services/${service}`, {}),
      verify: () => {
        const missing = ['DELETE', 'GET', 'PATCH', 'POST'].filter((method) => !killedAt.includes(method))
        return missing.map((method) => `no ${method} was interrupted`)
      },
      bounds: { failed: 0 },
    })
  })(),
  (() => {
    let written: string[] = []
    return fault<Standby>({
      name: 'operator-asleep',
      what: `the operator that leads hangs (SIGSTOP) for ${ASLEEP_MS / 1000} s in the middle of a write, and wakes; another took over`,
      setUp: withStandby,
      lastsMs: ASLEEP_MS,
      arrange: addStandby,
      inject: async (stage) => {
        const { mesh, instances, chaos } = stage
        const { pid } = mesh.operator
        let isAsleep = false
        written = []
        chaos.admin = ({ method, path }) => {
          if (method === 'GET') return { what: 'none' }
          if (isAsleep) written.push(`${method} ${path}`)
          else process.kill(pid, 'SIGSTOP')
          isAsleep = true
          return { what: 'none' }
        }
        await mesh.maintenance(instances[0]!.name, true)
        await waitFor(() => standbyLeads(stage), {
          deadlineMs: 60_000,
          pollMs: 50,
          what: 'the other leading',
        })
        await mesh.maintenance(instances[0]!.name, false)
      },
      isNoticed: standbyLeads,
      heal: ({ mesh }) => void process.kill(mesh.operator.pid, 'SIGCONT'),
      verify: async (stage) => {
        const told: string[] = []
        if (written.length > 1) told.push(`it wrote ${written.join(', ')} after it woke, at most one`)
        if (!(await standbyLeads(stage))) told.push('the other one does not lead any more')
        if ((await stage.status()).leading) told.push('both lead')
        return told
      },
      bounds: { failed: 0, noticedMs: 25_000 },
    })
  })(),
]
