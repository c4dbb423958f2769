import type { ProcessConfig } from '../config/load-config.ts'
import { tlsFetch } from '../secrets/tls-fetch.ts'
import { tlsRemedy } from '../secrets/tls-remedy.ts'
import { revealed } from '../telemetry/secret.ts'
import { CliError, explain } from './cli-error.ts'
import { refused } from './refused.ts'

const TIMEOUT_MS = 30_000
/** Of the settings that are about TLS to operators. */
export const OPERATORS = 'operators'

export const API = '/api/v1/mesh/v2'

export type Asked = Pick<ProcessConfig, 'addr' | 'operatorToken'> &
  Partial<Pick<ProcessConfig, 'operatorsTls'>>

/**
 * One call of the running operator's API.
 * @param path below `API`, with its query
 * @returns its answer; null when no operator answers there
 * @throws CliError with what it said when it refuses
 */
export async function callOperator<T>(
  { addr, operatorToken, operatorsTls }: Asked,
  method: 'GET' | 'PUT' | 'POST' | 'DELETE',
  path: string,
  body?: unknown,
  timeoutMs = TIMEOUT_MS,
): Promise<T | null> {
  const token = revealed(operatorToken)
  let answer: Response
  try {
    answer = await tlsFetch(operatorsTls, OPERATORS)(`${addr}${API}${path}`, {
      method,
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(timeoutMs),
    })
  } catch (error) {
    if ((error as Error).name === 'TimeoutError') throw timedOut(`${method} ${addr}${API}${path}`, error)
    refuseTls(`${method} ${addr}${API}${path}`, error)
    return null // down: the caller has another way, or says so
  }
  if (answer.ok) return (await answer.json()) as T
  throw refused(`${method} ${addr}${API}${path}`, answer.status, await answer.text())
}

/** What to say where only a running operator can do it. */
export function operatorDown({ addr }: Pick<Asked, 'addr'>, tried: string): CliError {
  return new CliError('OPERATOR_DOWN', {
    tried,
    answer: `no operator answers at ${addr}`,
    remedy: 'start it with kongsul operator, or set KONGSUL_ADDR to where it runs',
  })
}

/** Somebody answers there, and TLS is not as our settings have it. @throws CliError */
export function refuseTls(tried: string, error: unknown): void {
  const { message } = error as NodeJS.ErrnoException
  const remedy = tlsRemedy(error as Error, OPERATORS)
  if (remedy === '') return
  throw new CliError(
    'OPERATOR_TLS',
    { tried, answer: message.replace(`; ${remedy}`, ''), remedy },
    { cause: error },
  )
}

function timedOut(tried: string, error: unknown): CliError {
  return new CliError('OPERATOR_TIMEOUT', { tried, answer: explain(error), remedy: 'see kongsul status' })
}
