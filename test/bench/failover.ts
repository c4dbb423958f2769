// What clients notice when an instance dies, is taken out or comes back: 200 requests/s, open loop, three instances.
import { Mesh } from '../support/mesh.ts'
import { type Shot, startTraffic, type Traffic, traceparent } from '../support/traffic.ts'
import { waitFor } from '../support/wait-for.ts'
import type { Figure, Part } from './figure.ts'

const STRATEGIES = ['round_robin', 'weighted', 'least_connections', 'ip_hash', 'random'] as const
const PER_SECOND = 200
const COMEBACKS = 5

export const failover: Part = {
  name: 'failover',
  about: `an instance dies, leaves, comes back; ${PER_SECOND} requests/s`,
  async run(log) {
    const mesh = await Mesh.start()
    try {
      await mesh.startOperator()
      const figures: Figure[] = []
      for (const strategy of STRATEGIES) {
        log(`SIGKILL with ${strategy}`)
        const failures = await killOne(mesh, strategy)
        figures.push({ what: `SIGKILL, ${strategy}: failed requests`, value: failures, unit: '', goal: 0 })
      }
      log('deregistration')
      figures.push({
        what: 'deregistered: failed requests',
        value: await leave(mesh),
        unit: '',
        goal: 0,
      })
      log('crash and return')
      const back = await comeBack(mesh)
      figures.push({
        what: `passing again -> first request served by it, worst of ${COMEBACKS}`,
        value: Math.max(...back),
        unit: 'ms',
        goal: 1000,
      })
      return figures
    } finally {
      await mesh.stop()
    }
  },
}

async function killOne(mesh: Mesh, strategy: string): Promise<number> {
  const service = mesh.service(`kill-${strategy.replaceAll('_', '-')}`)
  await mesh.setKv(`mesh/services/${service}`, { loadBalancing: { strategy } })
  const instances = await mesh.deploy(service, 3)
  const traffic = trafficTo(mesh, service)
  await shots(traffic, PER_SECOND)
  // With ip_hash one instance has all of it: that one has to die.
  await instances.find(({ name }) => name === traffic.shots.at(-1)?.instance)!.kill('SIGKILL')
  await shots(traffic, 4 * PER_SECOND)
  return failed(await traffic.stop())
}

async function leave(mesh: Mesh): Promise<number> {
  const service = mesh.service('leave')
  const [first] = await mesh.deploy(service, 3)
  const traffic = trafficTo(mesh, service)
  await shots(traffic, PER_SECOND)
  await mesh.deregister(first!.name)
  await shots(traffic, 3 * PER_SECOND)
  return failed(await traffic.stop())
}

/** From the moment Consul calls a crashed instance passing until it serves, ms, each time. */
async function comeBack(mesh: Mesh): Promise<number[]> {
  const service = mesh.service('back')
  const instances = await mesh.deploy(service, 3)
  const traffic = trafficTo(mesh, service)
  const took: number[] = []
  let victim = instances[1]!
  for (let i = 0; i < COMEBACKS; i++) {
    const { name, port } = victim
    await shots(traffic, PER_SECOND)
    await victim.kill('SIGKILL')
    const weighs = (weight: number) => async () =>
      (await mesh.targets(service)).some((each) => each.target.endsWith(`:${port}`) && each.weight === weight)
    await waitFor(weighs(0), { what: 'the dead instance being critical' })
    const deadAt = traffic.shots.length
    victim = await mesh.startInstance(name, port)
    const passing = async () =>
      (await (await fetch(`${mesh.consul.url}/v1/health/checks/${service}`)).text()).includes('critical') ===
      false
    await waitFor(passing, { pollMs: 2, what: 'the instance passing' })
    const passedAt = performance.now()
    const serves = () => traffic.shots.slice(deadAt).some(({ instance }) => instance === name)
    await waitFor(serves, { pollMs: 2, what: 'the instance serving' })
    took.push(performance.now() - passedAt)
  }
  await traffic.stop()
  return took
}

const trafficTo = (mesh: Mesh, service: string): Traffic =>
  startTraffic({
    url: `${mesh.proxyUrl}/`,
    headers: (n) => ({ host: `${service}.mesh`, traceparent: traceparent(n) }),
    perSecond: PER_SECOND,
  })

/** Waits for so many more results. */
async function shots(traffic: Traffic, more: number): Promise<void> {
  const until = traffic.shots.length + more
  await waitFor(() => traffic.shots.length >= until, { deadlineMs: 60_000, what: `${more} results` })
}

const failed = (all: readonly Shot[]): number => all.filter(({ status }) => status !== 200).length
