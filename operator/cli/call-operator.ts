import type { ProcessConfig } from '../config/load-config.ts'
import { revealed } from '../telemetry/secret.ts'
import { CliError, explain } from './cli-error.ts'

const TIMEOUT_MS = 30_000

export const API = '/api/v1/mesh/v2'

export type Asked = Pick<ProcessConfig, 'addr' | 'operatorToken'>

/**
 * One call of the running operator's API.
 * @param path below `API`, with its query
 * @returns its answer; null when no operator answers there
 * @throws CliError with what it said when it refuses
 */
export async function callOperator<T>(
  { addr, operatorToken }: Asked,
  method: 'GET' | 'PUT' | 'POST' | 'DELETE',
  path: string,
  body?: unknown,
  timeoutMs = TIMEOUT_MS,
): Promise<T | null> {
  const token = revealed(operatorToken)
  let answer: Response
  try {
    answer = await fetch(`${addr}${API}${path}`, {
      method,
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(timeoutMs),
    })
  } catch (error) {
    if ((error as Error).name === 'TimeoutError') throw refusal(`${method} ${addr}${API}${path}`, error)
    return null // down: the caller has another way, or says so
  }
  if (answer.ok) return (await answer.json()) as T
  const text = await answer.text()
  throw new CliError(answer.status === 404 ? 'NOT_FOUND' : 'OPERATOR_REFUSED', {
    tried: `${method} ${addr}${API}${path}`,
    answer: `${answer.status}: ${messageOf(text)}`,
    remedy:
      answer.status === 401 || answer.status === 403
        ? 'set KONGSUL_TOKEN_FILE to a file with the token of this operator'
        : answer.status === 503
          ? 'see kongsul status and kongsul doctor, and try again'
          : 'see kongsul status',
  })
}

/** What to say where only a running operator can do it. */
export function operatorDown({ addr }: Pick<Asked, 'addr'>, tried: string): CliError {
  return new CliError('OPERATOR_DOWN', {
    tried,
    answer: `no operator answers at ${addr}`,
    remedy: 'start it with kongsul operator, or set KONGSUL_ADDR to where it runs',
  })
}

function refusal(tried: string, error: unknown): CliError {
  return new CliError('OPERATOR_TIMEOUT', { tried, answer: explain(error), remedy: 'see kongsul status' })
}

function messageOf(text: string): string {
  try {
    return (JSON.parse(text) as { detail?: string }).detail ?? text.slice(0, 300)
  } catch {
    return text.slice(0, 300) // not ours: a proxy between
  }
}
