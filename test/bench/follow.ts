// How long after a registration in Consul the proxy serves it, beside the shortest way there is: one blocking query
// on that very service, the same Admin calls in a row, the same polling client.
import { Mesh } from '../support/mesh.ts'
import { waitFor } from '../support/wait-for.ts'
import { type Part, percentile } from './figure.ts'

const SAMPLES = 40

export const follow: Part = {
  name: 'follow',
  about: 'a registration in Consul until the proxy serves it',
  async run(log) {
    const mesh = await Mesh.start()
    try {
      const floor = await newServices(mesh, 'floor', (service) => watchByHand(mesh, service))
      await mesh.startOperator()
      await newServices(mesh, 'warm', nobody, 5)
      const services = await newServices(mesh, 'ours', nobody)
      log(`new services: ${services.map((ms) => ms.toFixed(0)).join(' ')}`)
      const instances = await newInstances(mesh)
      log(`new instances: ${instances.map((ms) => ms.toFixed(0)).join(' ')}`)
      const figure = (what: string, samples: number[], percent: number, goal: number) => ({
        what: `${what}, p${percent}`,
        value: percentile(samples, percent),
        unit: 'ms',
        goal,
        baseline: { what: 'written by hand', value: percentile(floor, percent) },
        maxRatio: 4,
      })
      return [
        figure('new service -> first 200', services, 50, 40),
        figure('new service -> first 200', services, 95, 70),
        figure('new instance -> first request served by it', instances, 50, 40),
        figure('new instance -> first request served by it', instances, 95, 70),
      ]
    } finally {
      await mesh.stop()
    }
  },
}

/** Begins to watch a service; what it answers is waited for until everything is written. */
type Follower = (service: string) => Promise<() => Promise<unknown>>
const nobody: Follower = async () => async () => {}

/** Asks again and again without a pause: the moment it is true is what is measured. */
const at = (what: string, isTrue: () => Promise<boolean>) => waitFor(isTrue, { pollMs: 0, what })

/** Registers `count` services one after another and answers how long each took to its first 200. */
async function newServices(mesh: Mesh, base: string, follower: Follower, count = SAMPLES): Promise<number[]> {
  const instance = await mesh.startInstance(`${base}-instance`)
  const took: number[] = []
  for (let i = 0; i < count; i++) {
    const service = mesh.service(`${base}${i}`)
    const follow = await follower(service)
    const following = follow()
    const startedAt = performance.now()
    await mesh.register({ id: service, name: service, port: instance.port })
    await at(`${service} answering`, async () => (await mesh.get(service, '/')).status === 200)
    took.push(performance.now() - startedAt)
    await following
  }
  return took
}

/** Adds instances to one service and answers how long each took to serve its first request. */
async function newInstances(mesh: Mesh): Promise<number[]> {
  const service = mesh.service('grown')
  await mesh.deploy(service, 1)
  const took: number[] = []
  for (let i = 0; i < SAMPLES; i++) {
    const added = await mesh.startInstance(`${service}-added-${i}`)
    const startedAt = performance.now()
    await mesh.register({ id: added.name, name: service, port: added.port })
    const serves = async () => (await mesh.get(service, '/')).headers.get('x-instance') === added.name
    await at(`${added.name} serving`, serves)
    took.push(performance.now() - startedAt)
    await mesh.deregister(added.name)
    await at(`${added.name} being gone`, async () => (await mesh.targets(service)).length === 1)
    await added.kill()
  }
  return took
}

/** Has read the service once when it returns: a registration after that wakes the blocking query. */
async function watchByHand(mesh: Mesh, service: string): Promise<() => Promise<void>> {
  const first = await fetch(`${mesh.consul.url}/v1/health/service/${service}`)
  await first.arrayBuffer()
  const index = first.headers.get('x-consul-index')
  return async () => {
    const woken = await fetch(`${mesh.consul.url}/v1/health/service/${service}?index=${index}&wait=60s`)
    const [row] = (await woken.json()) as Row[]
    await writeByHand(mesh, service, `${row!.Service.Address}:${row!.Service.Port}`)
  }
}

interface Row {
  readonly Service: { readonly Address: string; readonly Port: number }
}

async function writeByHand(mesh: Mesh, service: string, target: string): Promise<void> {
  const upstream = `${service}.mesh`
  const tags = [`kongsul.mesh:${mesh.name}`] // so that the sweep of a shared Kong finds them
  await mesh.admin('PUT', `/upstreams/${upstream}`, { tags })
  await mesh.admin('POST', `/upstreams/${upstream}/targets`, { target })
  await mesh.admin('PUT', `/services/mesh.${service}`, { host: upstream, tags })
  await mesh.admin('PUT', `/services/mesh.${service}/routes/mesh.${service}.host`, {
    hosts: [`${service}.mesh`],
    tags,
  })
}
