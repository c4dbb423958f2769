export interface ConsulPorts {
  readonly http: number
  readonly server: number
  readonly serfLan: number
}

/** Command line of a Consul agent for this machine alone: in memory, with its UI, on loopback. */
export function consulArguments(
  { http, server, serfLan }: ConsulPorts,
  version: readonly [number, number],
): string[] {
  const config = {
    disable_update_check: true,
    ports: { grpc: -1, ...(hasGrpcTls(version) ? { grpc_tls: -1 } : {}) },
  }
  return [
    'agent',
    '-dev',
    '-ui',
    '-node=kongsul-up',
    '-bind=127.0.0.1',
    '-client=127.0.0.1',
    `-http-port=${http}`,
    `-server-port=${server}`,
    `-serf-lan-port=${serfLan}`,
    '-serf-wan-port=-1',
    '-dns-port=-1',
    '-log-level=warn',
    `-hcl=${JSON.stringify(config)}`,
  ]
}

/**
 * The port for gRPC over TLS came with 1.14, where every server listens at 8503 unless told otherwise; older agents
 * refuse to know it.
 */
export const hasGrpcTls = ([major, minor]: readonly [number, number]): boolean => major > 1 || minor >= 14
