/** One address a target resolves to. Mutable on purpose: algorithms and health checks share these objects. */
export interface Address {
  /** `ip:port:hostname`, what health is remembered under. */
  readonly key: string
  /** IPv6 with brackets, in the form the target was written. */
  readonly ip: string
  readonly port: number
  /** Host of the target as configured: a name or an IP. */
  readonly hostname: string
  /** Sent as Host when the upstream has no host_header: the name, or the IP. */
  readonly hostHeader: string
  readonly weight: number
  available: boolean
  /** Requests in flight, for least-connections. */
  connections: number
  /** Order of the last pick, so that equals take turns. */
  lastPick: number
}

/** A target with what its host resolved to. */
export interface ResolvedTarget {
  readonly id: string
  readonly host: string
  readonly port: number
  readonly weight: number
  readonly isName: boolean
  /** IPs, IPv6 in brackets; empty when the name did not resolve. */
  readonly ips: readonly string[]
  /** Record type, or Kong's words for the failure. */
  readonly dns: string
}

export function addressesOf(target: ResolvedTarget): Address[] {
  return target.ips.map((ip) => ({
    key: `${ip}:${target.port}:${target.host}`,
    ip,
    port: target.port,
    hostname: target.host,
    hostHeader: target.isName ? target.host : ip,
    weight: target.weight,
    available: true,
    connections: 0,
    lastPick: 0,
  }))
}
