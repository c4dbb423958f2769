// What a request costs in the dev gateway, without and with the mesh's plugins, and in nginx: same instance, same client.
// It shows where we lose. The dev gateway is a stand-in for Kong: what Kong itself costs is not measured here.
import { readFileSync } from 'node:fs'
import { Mesh } from '../support/mesh.ts'
import { startProcessMesh } from '../support/process-mesh.ts'
import { type Figure, type Part, percentile } from './figure.ts'
import { keepAliveLoad } from './keep-alive-load.ts'
import { startNginx } from './nginx.ts'

const CONNECTIONS = 8
const REQUESTS = 4_000
const WARM_UP = 3_000
const ROUNDS = 3

export const proxy: Part = {
  name: 'proxy',
  about: 'a request through the dev gateway, without and with plugins, beside nginx',
  async run(log) {
    const bare = await withBareGateway(log)
    const plugged = await withPlugins()
    const { nginx, straight } = bare
    const what = `nginx ${nginx?.version}, one process, kept connections`
    const beside = (value: (way: Way) => number) =>
      nginx === null ? {} : { baseline: { what, value: value(nginx) } }
    const rows = [
      ['dev gateway without plugins', bare.gateway],
      ['dev gateway with tracing and circuit breaker', plugged],
    ] as const
    return [
      ...rows.flatMap(([name, way]): Figure[] => [
        { what: `${name}: requests`, value: way.perSecond, unit: '/s', ...beside((each) => each.perSecond) },
        {
          what: `${name}: processor time of the proxy`,
          value: way.cpuUs,
          unit: 'us',
          ...beside((each) => each.cpuUs),
        },
        { what: `${name}, one connection, p50`, value: way.p50, unit: 'ms', ...beside((each) => each.p50) },
      ]),
      {
        what: 'with tracing and circuit breaker: requests beside the bare gateway',
        value: plugged.perSecond,
        unit: '/s',
        baseline: { what: 'dev gateway without plugins', value: bare.gateway.perSecond },
      },
      {
        what: 'straight to the instance: requests',
        value: straight.perSecond,
        unit: '/s',
        ...beside((each) => each.perSecond),
      },
    ]
  },
}

interface Way {
  readonly perSecond: number
  /** Processor time of the proxy for a request, microseconds. */
  readonly cpuUs: number
  /** Of one request after the other, ms. */
  readonly p50: number
}

async function withBareGateway(log: (line: string) => void) {
  const mesh = await Mesh.start()
  try {
    await mesh.startOperator()
    const service = mesh.service('proxied')
    const [instance] = await mesh.deploy(service, 1)
    const nginx = await startNginx(instance!.port, log).catch((error: Error) => {
      log(`without nginx beside it: ${error.message}`)
      return null
    })
    if (nginx !== null) log(`nginx ${nginx.version}, its configuration: test/bench/nginx.ts`)
    try {
      const gateway = { url: mesh.proxyUrl, host: `${service}.mesh`, pid: mesh.gatewayPid }
      const straightOn = { url: `http://127.0.0.1:${instance!.port}`, pid: instance!.pid }
      const [ofGateway, straight, ofNginx] = await measured([gateway, straightOn, ...(nginx ? [nginx] : [])])
      return {
        gateway: ofGateway!,
        straight: straight!,
        nginx: nginx === null ? null : { ...ofNginx!, version: nginx.version },
      }
    } finally {
      await nginx?.stop()
    }
  } finally {
    await mesh.stop()
  }
}

async function withPlugins(): Promise<Way> {
  const processes = await startProcessMesh()
  try {
    const { mesh } = processes
    const service = mesh.service('proxied')
    await processes.deploy(service, 1)
    const [way] = await measured([{ url: mesh.proxyUrl, host: `${service}.mesh`, pid: mesh.gatewayPid }])
    return way!
  } finally {
    await processes.stop()
  }
}

interface Place {
  readonly url: string
  readonly host?: string
  readonly pid: number
}

/** In turns, so that whatever else the machine does meets all of them; of each the middle one. */
async function measured(places: readonly Place[]): Promise<readonly Way[]> {
  const rounds: Way[][] = places.map(() => [])
  for (const place of places) await load(place, { connections: CONNECTIONS, requests: WARM_UP })
  for (let round = 0; round < ROUNDS; round++) {
    for (const [at, place] of places.entries()) rounds[at]!.push(await oneRound(place))
  }
  return rounds.map((ways) => ({
    perSecond: percentile(
      ways.map(({ perSecond }) => perSecond),
      50,
    ),
    cpuUs: percentile(
      ways.map(({ cpuUs }) => cpuUs),
      50,
    ),
    p50: percentile(
      ways.map(({ p50 }) => p50),
      50,
    ),
  }))
}

async function oneRound(place: Place): Promise<Way> {
  const beforeUs = cpuUsOf(place.pid)
  const many = await load(place, { connections: CONNECTIONS, requests: REQUESTS })
  const cpuUs = (cpuUsOf(place.pid) - beforeUs) / many.requests
  const single = await load(place, { connections: 1, requests: REQUESTS / 4 })
  return { perSecond: many.requests / many.seconds, cpuUs, p50: single.p50 }
}

async function load({ url, host }: Place, how: { connections: number; requests: number }) {
  const result = await keepAliveLoad(`${url}/`, { ...how, ...(host === undefined ? {} : { host }) })
  if (result.failed > 0) throw new Error(`${result.failed} requests to ${url} failed`)
  return result
}

/** utime and stime of a process, in ticks of 10 ms. */
function cpuUsOf(pid: number): number {
  const [, rest = ''] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(/\) (.*)/s)
  const fields = rest.split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10_000
}
