import http from 'node:http'
import https from 'node:https'
import { healthUrl } from './check-kind.ts'

/** Asks whoever answers /healthz to stop writing until Consul has told it anew that it holds the lock. */
const ASK_HEADER = 'x-kongsul-successor'
/** `no`: it has stopped. */
const ANSWER_HEADER = 'x-kongsul-leader'

/**
 * What /healthz answers to a request with these headers. A request of a successor calls `stepBack`, after which
 * nothing may be written before Consul was asked anew; Consul's own probes change nothing.
 */
export function answerSuccessor(
  requestHeaders: Readonly<Record<string, string | readonly string[] | undefined>>,
  stepBack: () => void,
): Readonly<Record<string, string>> {
  if (requestHeaders[ASK_HEADER] === undefined) return {}
  stepBack()
  return { [ANSWER_HEADER]: 'no' }
}

/**
 * Asks an earlier holder of the lock to stop, which may only be done while holding the lock. `gone`: nothing listens
 * at its address any more, or it answers that it has stopped. Everything else (silence, no route, an answer of
 * something else) is `unknown`: a stopped or cut-off process looks like that and may come back.
 */
export async function askPredecessor(address: string, timeoutMs: number): Promise<'gone' | 'unknown'> {
  const url = healthUrl(address)
  const { get } = url.startsWith('https:') ? https : http
  // The answer is no secret and no ground for trust beyond this question: its certificate does not matter.
  const options = { agent: false, rejectUnauthorized: false, headers: { [ASK_HEADER]: 'asks' } }
  return new Promise((resolve) => {
    const request = get(url, options, (response) => {
      response.resume()
      resolve(response.headers[ANSWER_HEADER] === 'no' ? 'gone' : 'unknown')
    })
    const giveUp = setTimeout(() => request.destroy(new Error('no answer in time')), timeoutMs)
    request.on('error', (error) => resolve(isRefused(error) ? 'gone' : 'unknown'))
    request.on('close', () => clearTimeout(giveUp))
  })
}

function isRefused(error: NodeJS.ErrnoException): boolean {
  if (error instanceof AggregateError) return error.errors.length > 0 && error.errors.every(isRefused)
  return error.code === 'ECONNREFUSED'
}
