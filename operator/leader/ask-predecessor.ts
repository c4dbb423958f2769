import http from 'node:http'
import https from 'node:https'
import { healthUrl } from './check-kind.ts'

/** Header of /healthz that says whether the operator there may still hold the lock: `yes` or `no`. */
export const LEADER_HEADER = 'x-kongsul-leader'

/**
 * Asks whether an earlier holder of the lock has stopped writing. `gone`: nothing listens at its address any more,
 * or it answers that it does not hold the lock. Everything else (silence, no route, an answer of something else)
 * is `unknown`: a stopped or cut-off process looks like that and may come back.
 */
export async function askPredecessor(address: string, timeoutMs: number): Promise<'gone' | 'unknown'> {
  const url = healthUrl(address)
  const { get } = url.startsWith('https:') ? https : http
  return new Promise((resolve) => {
    // The answer is no secret and no ground for trust beyond this question: its certificate does not matter.
    const request = get(
      url,
      { agent: false, rejectUnauthorized: false } as https.RequestOptions,
      (response) => {
        response.resume()
        resolve(response.headers[LEADER_HEADER] === 'no' ? 'gone' : 'unknown')
      },
    )
    const giveUp = setTimeout(() => request.destroy(new Error('no answer in time')), timeoutMs)
    request.on('error', (error) => resolve(isRefused(error) ? 'gone' : 'unknown'))
    request.on('close', () => clearTimeout(giveUp))
  })
}

function isRefused(error: NodeJS.ErrnoException): boolean {
  if (error instanceof AggregateError) return error.errors.length > 0 && error.errors.every(isRefused)
  return error.code === 'ECONNREFUSED'
}
