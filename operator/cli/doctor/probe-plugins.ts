import { request } from 'node:http'
import { request as requestByTls } from 'node:https'
import { proxyTls } from '../../call/proxy-tls.ts'
import type { ServiceReport } from '../../core/decided.ts'
import { type TlsConfig, tlsOptions } from '../../secrets/tls-options.ts'
import type { OperatorConfig } from '../../sync/operator-config.ts'
import { isReachable } from '../status-report.ts'
import type { Finding } from './finding.ts'
import { judgeProbe } from './judge-reach.ts'

const LIMIT_MS = 5_000

/** One HEAD through the proxy to the first service that has instances: the plugins are before it. Nothing where none has, or none answers. */
export async function probePlugins(
  { proxyUrl, proxyTls: tls }: Pick<OperatorConfig, 'proxyUrl' | 'proxyTls'>,
  services: readonly ServiceReport[],
): Promise<readonly Finding[]> {
  const host = services.find(
    (service) => isReachable(service) && service.exposed && service.instances.length > 0,
  )?.hosts[0]
  if (host === undefined) return []
  try {
    const { status, isKongs } = await head(proxyUrl, host, proxyTls(proxyUrl, tls))
    return judgeProbe(proxyUrl, host, status, isKongs)
  } catch {
    return [] // that the proxy does not answer is told elsewhere
  }
}

/** Kong says how long an instance took where it has asked one. */
const ASKED = 'x-kong-upstream-latency'

function head(
  url: string,
  host: string,
  tls: TlsConfig,
): Promise<{ readonly status: number; readonly isKongs: boolean }> {
  return new Promise((resolve, reject) => {
    const options = { method: 'HEAD', headers: { host }, signal: AbortSignal.timeout(LIMIT_MS), agent: false }
    const sent = url.startsWith('https:')
      ? requestByTls(url, { ...options, ...tlsOptions(tls) })
      : request(url, options)
    sent.on('error', reject)
    sent.on('response', ({ statusCode, headers }) => {
      resolve({ status: statusCode!, isKongs: headers[ASKED] === undefined })
      sent.destroy()
    })
    sent.end()
  })
}
