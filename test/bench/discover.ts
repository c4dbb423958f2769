// Discover over real sockets: kept connections, one request under way on each, client and server in processes of their own.
// Rates are per second of the server's CPU time, which is what one core does; latencies are of an idle machine's worth only.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { type Part, percentile } from './figure.ts'
import { keepAliveLoad } from './keep-alive-load.ts'

const PATH = '/api/v1/mesh/v2/discover/web'
const CONNECTIONS = 8
/** Before anything is counted: code that has not run often is slow. */
const WARM_UP = 20_000
const REQUESTS = 20_000
/** In turns, so that whatever else the machine does meets both; the middle one counts. */
const ROUNDS = 5

export const discover: Part = {
  name: 'discover',
  about: 'discover from the cache over real connections, beside a bare server of Node’s with the same answer',
  async run(log) {
    const servers = [await start('bare'), await start('api')] as const
    try {
      const rounds: Round[][] = [[], []]
      for (let round = 0; round < ROUNDS; round++) {
        for (const [at, server] of servers.entries()) rounds[at]!.push(await measure(server))
      }
      const middle = (at: number, of: (round: Round) => number) => percentile(rounds[at]!.map(of), 50)
      const [bare, api] = [
        middle(0, ({ perCpuSecond }) => perCpuSecond),
        middle(1, ({ perCpuSecond }) => perCpuSecond),
      ]
      log(`bare ${bare.toFixed(0)}/s, discover ${api.toFixed(0)}/s of CPU time`)
      return [
        {
          what: 'discover over kept connections, of CPU time',
          value: api,
          unit: '/s',
          goal: 20_000,
          baseline: { what: 'a bare server of Node’s with the same answer', value: bare },
        },
        {
          what: `discover over ${CONNECTIONS} kept connections, p99`,
          value: middle(1, ({ p99 }) => p99),
          unit: 'ms',
          goal: 2,
          baseline: { what: 'the bare server', value: middle(0, ({ p99 }) => p99) },
        },
      ]
    } finally {
      for (const server of servers) await server.stop()
    }
  },
}

interface Server {
  readonly url: string
  cpuSeconds(): Promise<number>
  stop(): Promise<void>
}

async function start(what: 'bare' | 'api'): Promise<Server> {
  const child = fork(join(import.meta.dirname, 'discover-server.ts'), [what], {
    execArgv: ['--import', 'tsx'],
  })
  const told = async <T>(): Promise<T> => (await once(child, 'message'))[0] as T
  const { url } = await told<{ url: string }>()
  await load(`${url}${PATH}`, WARM_UP)
  return {
    url,
    cpuSeconds: async () => {
      child.send('how much?')
      return (await told<{ cpuSeconds: number }>()).cpuSeconds
    },
    stop: async () => {
      child.disconnect()
      await once(child, 'exit')
    },
  }
}

interface Round {
  readonly perCpuSecond: number
  /** In ms. */
  readonly p99: number
}

async function measure({ url, cpuSeconds }: Server): Promise<Round> {
  const before = await cpuSeconds()
  const { requests, failed, p99 } = await load(`${url}${PATH}`, REQUESTS)
  if (failed > 0) throw new Error(`${failed} requests failed`)
  return { perCpuSecond: requests / ((await cpuSeconds()) - before), p99 }
}

const load = (url: string, requests: number) => keepAliveLoad(url, { connections: CONNECTIONS, requests })
