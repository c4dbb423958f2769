import { hostname } from 'node:os'
import type { OperatorConfig } from '../sync/operator-config.ts'

const LOOPBACK = new Set(['127.0.0.1', 'localhost', '::1', '[::1]'])
const ANY = new Set(['0.0.0.0', '::', '[::]', ''])

/** Who this operator is in the election: what was configured, else what can be known. */
export function electionIdentity(
  config: Pick<OperatorConfig, 'operator' | 'api' | 'consul'>,
  apiUrl: string,
): { readonly operatorId: string; readonly advertise: string | null } {
  const { port } = new URL(apiUrl)
  return {
    operatorId: config.operator.id ?? `${hostname().replace(/[^A-Za-z0-9._-]/g, '-')}-${port}`,
    advertise: config.operator.advertise ?? reachableAt(config, port),
  }
}

/** Consul asks there every second. A loopback address is of use to an agent on this machine alone. */
function reachableAt({ api, consul }: Pick<OperatorConfig, 'api' | 'consul'>, port: string): string | null {
  const isAgentHere = LOOPBACK.has(new URL(consul.url).hostname)
  if (isAgentHere && (LOOPBACK.has(api.host) || ANY.has(api.host))) return `127.0.0.1:${port}`
  return LOOPBACK.has(api.host) || ANY.has(api.host) ? null : `${api.host}:${port}`
}
