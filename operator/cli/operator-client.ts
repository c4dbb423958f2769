import type { ProcessConfig } from '../config/load-config.ts'
import { revealed } from '../telemetry/secret.ts'
import { CliError, explain } from './cli-error.ts'

const TIMEOUT_MS = 10_000

/**
 * Asks the running operator for a report.
 * @param note told why the operator was not used; then Consul and Kong are read directly.
 * @returns null when the operator is down, not ready, or too old to have the report.
 * @throws CliError when it refuses the token.
 */
export async function askOperator<T>(
  { addr, operatorToken }: Pick<ProcessConfig, 'addr' | 'operatorToken'>,
  report: 'plan' | 'status',
  note: (line: string) => void,
): Promise<T | null> {
  const token = revealed(operatorToken)
  const url = `${addr}/internal/${report}`
  const directly = (why: string) => {
    note(`the operator at ${addr} ${why}: reading Consul and Kong directly`)
    return null
  }
  let answer: Response
  try {
    answer = await fetch(url, {
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
  } catch (error) {
    return directly(`does not answer (${explain(error)})`)
  }
  if (answer.status === 401 || answer.status === 403) {
    throw new CliError('OPERATOR_DENIED', {
      tried: `GET ${url}`,
      answer: `${answer.status}: ${(await answer.text()).slice(0, 200)}`,
      remedy: 'set KONGSUL_TOKEN_FILE to a file with the token of this operator, or give --direct',
    })
  }
  if (!answer.ok) return directly(`answered ${answer.status}`)
  return (await answer.json()) as T
}

/** Whether the operator is ready; null when it does not answer. */
export async function readReadiness(addr: string): Promise<{ ready: boolean; url: string } | null> {
  try {
    const { ok } = await fetch(`${addr}/readyz`, { signal: AbortSignal.timeout(TIMEOUT_MS) })
    return { ready: ok, url: addr }
  } catch {
    return null // down, which the reader of the report sees
  }
}
