import { Agent } from 'node:http'
import { readProxied } from './read-proxied.ts'

const STEP_MS = 5

export interface OpenLoop {
  readonly sent: number
  /** Every request that did not get 200, as the answers came. */
  readonly failures: readonly Failure[]
  /** Sends no more, and answers when every request has its answer. */
  stop(): Promise<void>
}

export interface Failure {
  /** The how manieth request that was sent, from 1 on. */
  readonly number: number
  readonly why: string
}

/** `request 12: 502 {...}`, of the first three. */
export const describeFailures = (failures: readonly Failure[]): string =>
  failures
    .slice(0, 3)
    .map(({ number, why }) => `request ${number}: ${why}`)
    .join(', ')

/** Requests at a fixed rate through the proxy, whether or not earlier ones have been answered. */
export function startOpenLoop(proxyUrl: string, host: string, perSecond: number): OpenLoop {
  const agent = new Agent({ keepAlive: true })
  const failures: Failure[] = []
  const open = new Set<Promise<void>>()
  const startedAt = performance.now()
  let sent = 0
  const shoot = async (number: number) => {
    try {
      const { status, body } = await readProxied(proxyUrl, host, { agent, headers: traceHeader(number) })
      // Who refused it, a service or the gateway, is in the body.
      if (status !== 200) failures.push({ number, why: `${status} ${body.trim().slice(0, 200)}` })
    } catch (error) {
      failures.push({ number, why: (error as Error).message })
    }
  }
  const timer = setInterval(() => {
    // The clock says how many are due: a late timer sends several.
    const due = Math.floor(((performance.now() - startedAt) * perSecond) / 1000)
    while (sent < due) {
      const shot: Promise<void> = shoot(++sent).finally(() => open.delete(shot))
      open.add(shot)
    }
  }, STEP_MS)
  return {
    get sent() {
      return sent
    },
    failures,
    async stop() {
      clearInterval(timer)
      await Promise.all(open)
      agent.destroy()
    },
  }
}

/** A different trace id for each: what the strategy `random` hashes. */
function traceHeader(number: number): Record<string, string> {
  const id = (number * 2_654_435_761).toString(16).padStart(32, '0')
  return { traceparent: `00-${id}-00000000000000aa-01` }
}
