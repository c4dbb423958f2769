// Discover over real sockets: kept connections, one request under way on each, client and server in processes of their own.
// Rates are per second of the server's CPU time, which is what one core does; latencies are of an idle machine's worth only.
import { fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Part } from './figure.ts'

const PATH = '/api/v1/mesh/v2/discover/web'
const CONNECTIONS = 8
/** Before anything is counted: code that has not run often is slow. */
const WARM_UP = 20_000
const REQUESTS = 40_000

export const discover: Part = {
  name: 'discover',
  about: 'discover from the cache over real connections, beside a bare server of Node’s with the same answer',
  async run(log) {
    const [bare, api] = [await measure('bare'), await measure('api')]
    log(`bare ${bare.perCpuSecond.toFixed(0)}/s, discover ${api.perCpuSecond.toFixed(0)}/s`)
    return [
      {
        what: 'discover over kept connections, of CPU time',
        value: api.perCpuSecond,
        unit: '/s',
        goal: 20_000,
        baseline: { what: 'a bare server of Node’s with the same answer', value: bare.perCpuSecond },
      },
      { what: `discover over ${CONNECTIONS} kept connections, p99`, value: api.p99, unit: 'ms', goal: 2 },
    ]
  },
}

async function measure(what: 'bare' | 'api'): Promise<{ perCpuSecond: number; p99: number }> {
  const server = fork(join(import.meta.dirname, 'discover-server.ts'), [what], {
    execArgv: ['--import', 'tsx'],
  })
  const told = async <T>(): Promise<T> => (await once(server, 'message'))[0] as T
  try {
    const { url } = await told<{ url: string }>()
    const cpuSeconds = async () => {
      server.send('how much?')
      return (await told<{ cpuSeconds: number }>()).cpuSeconds
    }
    await load(`${url}${PATH}`, WARM_UP)
    const before = await cpuSeconds()
    const { requests, failed, p99 } = await load(`${url}${PATH}`, REQUESTS)
    if (failed > 0) throw new Error(`${failed} requests failed`)
    return { perCpuSecond: requests / ((await cpuSeconds()) - before), p99 }
  } finally {
    server.disconnect()
    await once(server, 'exit')
  }
}

async function load(url: string, count: number) {
  const script = join(import.meta.dirname, 'keep-alive-load.mjs')
  const client = spawn(process.execPath, [script, url, `${CONNECTIONS}`, `${count}`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let text = ''
  for await (const chunk of client.stdout.setEncoding('utf8')) text += chunk
  return JSON.parse(text) as { requests: number; failed: number; p50: number; p99: number }
}
