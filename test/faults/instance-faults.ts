// What happens to instances.
import { setTimeout as delay } from 'node:timers/promises'
import type { InstanceProcess } from '../support/instance.ts'
import { type LonelyHost, makeLonelyHost, whyNoLonelyHost } from '../support/lonely-host.ts'
import { waitFor } from '../support/wait-for.ts'
import { type Fault, fault } from './fault.ts'
import type { Stage } from './stage.ts'

/** A default of kongsul: `timeouts.connectMs`. */
const CONNECT_TIMEOUT_MS = 1_000
const READ_TIMEOUT_MS = 1_000
/** By then Consul's check, every second, has failed and Kong knows. */
const NOTICED_MS = 3_000
const GREY_MS = 10_000
/** An ejection that is over soon after the fault is. */
const SOON = { openSeconds: GREY_MS / 1000 + 2, backoff: { jitter: 0 } }
const NEVER_OVER = '663-668 of 2,010, never over'

const victim = ({ instances }: Stage): InstanceProcess => instances[0]!
const isEjected = async (stage: Stage) =>
  (await stage.processes.healthOf(stage.service, victim(stage).port)) === 'UNHEALTHY'
const isWeightless = async ({ mesh, service, instances }: Stage) =>
  (await mesh.targets(service)).some(
    ({ target, weight }) => weight === 0 && target.endsWith(`:${instances[0]!.port}`),
  )

async function restart({ mesh, instances }: Stage, at: number): Promise<void> {
  const { name, port } = instances[at]!
  instances[at] = await mesh.startInstance(name, port)
}

const grey = (
  name: string,
  what: string,
  behaviour: Parameters<InstanceProcess['behave']>[0],
  rest: Pick<Fault, 'bounds'> & Partial<Fault>,
): Fault<never> =>
  fault({
    name,
    what: `${what}, and its health check passes`,
    settings: { circuitBreaker: SOON },
    lastsMs: GREY_MS,
    inject: (stage) => victim(stage).behave(behaviour),
    isNoticed: isEjected,
    heal: (stage) => victim(stage).behave({}),
    ...rest,
  })

const hang = (strategy: string, most: number): Fault<never> =>
  fault({
    name: `instance-hang-${strategy.replace('_', '-')}`,
    what: `one of three instances hangs (SIGSTOP), clients give up after 1 s, ${strategy.replace('_', ' ')}`,
    peers: 'Fabio 93, Kong with DNS 110, consul-template 82, HAProxy 163 (tuned 99), Traefik 84 (tuned 62)',
    settings: { loadBalancing: { strategy }, circuitBreaker: SOON },
    timeoutMs: 1_000,
    lastsMs: 10_000,
    inject: (stage) => void process.kill(victim(stage).pid, 'SIGSTOP'),
    isNoticed: async (stage) => (await isWeightless(stage)) || (await isEjected(stage)),
    heal: (stage) => void process.kill(victim(stage).pid, 'SIGCONT'),
    bounds: { failed: most },
  })

const hostGone = (
  entry: Pick<Fault<LonelyHost>, 'name' | 'what' | 'bounds' | 'because' | 'settings'>,
): Fault<never> =>
  fault<LonelyHost>({
    whyNot: whyNoLonelyHost,
    setUp: async (after) => {
      const host = makeLonelyHost()
      after(() => host.remove())
      return { resource: host }
    },
    lastsMs: 10_000,
    inject: async (stage) => {
      const { mesh, service, resource: host, instances, traffic } = stage
      const there = await mesh.startInstance(`${service}-there`, 0, {
        host: host.address,
        within: host.within,
      })
      await mesh.register({ id: there.name, name: service, port: there.port, address: host.address })
      await mesh.deregister(instances[0]!.name)
      instances[0] = there
      await waitFor(() => traffic.shots.slice(-100).some(({ instance }) => instance === there.name), {
        what: 'the instance of the other host serving',
      })
      host.vanish()
    },
    isNoticed: async (stage) => (await isWeightless(stage)) || (await isEjected(stage)),
    heal: ({ resource }) => resource.return(),
    verify: (_, shots) => {
      const slow = shots.filter(({ sentMs, doneMs }) => doneMs - sentMs > CONNECT_TIMEOUT_MS + 50)
      const overMs = Math.max(0, ...slow.map(({ sentMs }) => sentMs - shots[0]!.sentMs))
      return overMs > NOTICED_MS
        ? [`requests sent ${Math.round(overMs)} ms after the fault still waited`]
        : []
    },
    ...entry,
  })

export const INSTANCE_FAULTS: readonly Fault<never>[] = [
  fault({
    name: 'instance-killed',
    what: 'one of three instances gets SIGKILL, and comes back 5 s later',
    peers:
      'Fabio 52, Kong with DNS 0, consul-template 1, HAProxy 97 (tuned 0), Traefik 80 (tuned 2, default 754)',
    lastsMs: 5_000,
    inject: (stage) => victim(stage).kill(),
    isNoticed: isWeightless,
    heal: (stage) => restart(stage, 0),
    bounds: { failed: 0 },
  }),
  hang('round_robin', 75),
  hang('least_connections', 10),
  hostGone({
    name: 'host-gone',
    what: 'the host of one of three instances is gone: its packets are lost',
    because:
      'What was sent on connections that were open is lost on its way, and Kong waits for the answer as for a slow one, for `timeouts.readMs` (60 s), ' +
      'here until the host was back. New connections are given up after the connect timeout. ' +
      '`host-gone-read-timeout` bounds the wait; [what else does](production.md#kong)',
    settings: { circuitBreaker: SOON },
    bounds: { failed: 5, slowestMs: CONNECT_TIMEOUT_MS + 50 },
  }),
  hostGone({
    name: 'host-gone-read-timeout',
    what: 'the same with `timeouts.readMs` of 1000: an answer that does not come is asked for elsewhere',
    settings: { circuitBreaker: SOON, timeouts: { readMs: READ_TIMEOUT_MS } },
    // Who is among the first, before five have failed, may meet the lost host twice.
    bounds: { failed: 0, slowestMs: 2 * READ_TIMEOUT_MS + 50 },
  }),
  fault({
    name: 'instances-restarted',
    what: 'three instances restart in place one after another, each down for 2 s, 5 s apart',
    because:
      'Round robin may ask the instance that has just died with every try, until the mark that Kong itself makes is in effect: some ' +
      'milliseconds, on a machine without a free core up to a second. [What else does](tuning.md#retries)',
    lastsMs: 0,
    inject: async (stage) => {
      for (const at of stage.instances.keys()) {
        await stage.instances[at]!.kill()
        await delay(2_000) // down for so long
        await restart(stage, at)
        await delay(3_000)
      }
    },
    bounds: { failed: 0 },
  }),
  fault({
    name: 'instance-deregistered',
    what: 'one of three instances leaves Consul, and runs on',
    peers: 'all 0',
    lastsMs: 3_000,
    inject: (stage) => stage.mesh.deregister(victim(stage).name),
    isNoticed: async ({ mesh, service }) => (await mesh.targets(service)).length === 2,
    heal: ({ mesh, service, instances }) => {
      const { name, port } = instances[0]!
      return mesh.register({ id: name, name: service, port })
    },
    bounds: { failed: 0, noticedMs: 1_000 },
  }),
  grey(
    'instance-500',
    'one of three instances answers 500',
    { status: 500 },
    { peers: NEVER_OVER, bounds: { failed: 10, failingMs: 200 } },
  ),
  grey(
    'instance-half-500',
    'one of three instances answers every second request with 500',
    { status: 500, every: 2 },
    // Half is just what the breaker's default `failureRate` of 50 allows: no more than without one is all that is sure.
    { bounds: { failed: 340 } },
  ),
  grey(
    'instance-hangs-healthy',
    'one of three instances never answers, clients give up after 1 s',
    { hang: true },
    {
      peers: '652-694 of 2,010, never over',
      timeoutMs: 1_000,
      bounds: { failed: 80, failingMs: 2_300 },
    },
  ),
  fault({
    name: 'instance-slow',
    what: 'one of three instances answers 500 ms later',
    lastsMs: 5_000,
    inject: (stage) => victim(stage).behave({ delayMs: 500 }),
    heal: (stage) => victim(stage).behave({}),
    bounds: { failed: 0, slowestMs: 1_000 },
  }),
]
