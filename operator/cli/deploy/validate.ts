import type { TlsConfig } from '../../secrets/tls-options.ts'
import { CliError } from '../cli-error.ts'
import { readProxied } from '../up/read-proxied.ts'
import { waitUntil } from '../up/wait-until.ts'
import { judgeAnswer, type Probe } from './probes.ts'

/** Requests to each service that must all be served, once one is. */
const REQUESTS = 10

export interface ValidateOptions {
  readonly proxyUrl: string
  readonly proxyTls?: TlsConfig | undefined
  readonly deadlineMs: number
  readonly waiting: (text: string) => void
}

/**
 * Asks until one request is served, or Kong asks for something first.
 * @returns what the answer was
 * @throws CliError DEPLOY_NOT_SERVED with the last answer
 */
export async function untilServed(probe: Probe, options: ValidateOptions): Promise<string> {
  return await untilInARow(1, probe, options)
}

/**
 * Asks until ten requests in a row are: nodes of one Kong follow one after another.
 * @throws CliError DEPLOY_NOT_SERVED with the last answer that was not served
 */
export async function untilServedOften(probe: Probe, options: ValidateOptions): Promise<void> {
  await untilInARow(REQUESTS, probe, options)
}

async function untilInARow(
  requests: number,
  probe: Probe,
  { proxyUrl, proxyTls: tls, deadlineMs, waiting }: ValidateOptions,
): Promise<string> {
  let last = 'no answer'
  let fault = ''
  const isServed = async () => {
    for (let request = 1; request <= requests; request++) {
      const verdict = judgeAnswer(await readProxied(proxyUrl, probe.host, { path: probe.path, tls }))
      last = verdict.note
      waiting(`${probe.shown} ${last}`)
      if (verdict.kind !== 'failed') continue
      fault = requests === 1 ? last : `${last} at request ${request} of ${requests} in a row`
      return false
    }
    return true
  }
  await waitUntil(isServed, { deadlineMs, what: probe.shown, pollMs: 100 }).catch((error: unknown) => {
    const answer =
      fault === '' ? (error as Error).message : `${fault} for ${deadlineMs / 1000} s at ${proxyUrl}`
    throw notServed(probe, answer)
  })
  return last
}

const notServed = ({ service, shown }: Probe, answer: string): CliError =>
  new CliError('DEPLOY_NOT_SERVED', {
    tried: `asking ${shown} for ${service}`,
    answer,
    remedy: `see that the instances of ${service} run and pass their checks (kongsul status), and which route takes it (kongsul explain)`,
  })
