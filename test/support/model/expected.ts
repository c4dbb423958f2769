// What Kong should hold of one service, told anew from Consul's own answer and a settings document: nothing of the
// operator's code is used, and nothing but what design and documentation promise is known here.

export interface Expected {
  /** By what is compared: dotted field -> value. Absent entities must not be there. */
  readonly upstream: Fields | null
  readonly service: Fields | null
  /** By name of the route. */
  readonly routes: ReadonlyMap<string, Fields>
  /** Weight by `host:port`; 'kept': what it was before all turned critical. */
  readonly targets: ReadonlyMap<string, number | 'kept'>
}

export type Fields = ReadonlyMap<string, unknown>

/** A row of /v1/health/service/<name>. */
export interface HealthRow {
  readonly Service: {
    readonly ID: string
    readonly Address: string
    readonly Port: number
    readonly Tags: readonly string[] | null
    readonly Meta: Readonly<Record<string, string>> | null
    readonly Weights: { readonly Passing: number; readonly Warning: number }
  }
  readonly Checks: readonly { readonly CheckID: string; readonly Status: string }[]
}

/** A parsed document of KV mesh/services/<name>. */
export interface Document {
  readonly retries?: number
  readonly timeouts?: { readonly readMs?: number }
  readonly loadBalancing?: { readonly strategy?: string }
  readonly degraded?: string
  readonly expose?: boolean
  readonly enabled?: boolean
  readonly routing?: { readonly hosts?: readonly string[]; readonly paths?: readonly string[] | 'off' }
  readonly overrides?: { readonly policy?: 'keep' | 'revert' }
}

const NOTHING: Expected = { upstream: null, service: null, routes: new Map(), targets: new Map() }

/** @param retriesInMeta what `mesh-retries` of the instances comes to, where they do not agree */
export function expectedOf(
  name: string,
  rows: readonly HealthRow[],
  document: Document,
  retriesInMeta: number | undefined,
): Expected {
  if (rows.length === 0) return NOTHING
  const strategy = document.loadBalancing?.strategy ?? 'round_robin'
  const wished = document.retries ?? retriesInMeta ?? 3
  const isHashing = strategy === 'ip_hash'
  return {
    upstream: new Map<string, unknown>([
      ['algorithm', ALGORITHMS[strategy]],
      ['hash_on', isHashing ? 'ip' : 'none'],
      ['healthchecks.passive.unhealthy.tcp_failures', 1],
      ['healthchecks.passive.unhealthy.timeouts', isHashing ? 1 : 0],
    ]),
    service: new Map<string, unknown>([
      ['host', `${name}.mesh`],
      ['protocol', 'http'],
      ['connect_timeout', 1000],
      ['read_timeout', document.timeouts?.readMs ?? 60_000],
      ['write_timeout', 60_000],
      ['retries', isHashing ? Math.max(10, wished) : wished],
      ['enabled', document.enabled ?? true],
    ]),
    routes: isExposed(rows, document) ? routesOf(name, document) : new Map(),
    targets: weightsOf(rows, strategy, document.degraded ?? 'fallback'),
  }
}

const ALGORITHMS: Readonly<Record<string, string>> = {
  round_robin: 'round-robin',
  weighted: 'round-robin',
  least_connections: 'least-connections',
  ip_hash: 'consistent-hashing',
}

function isExposed(rows: readonly HealthRow[], { enabled, expose }: Document): boolean {
  if (enabled === false) return false
  if (expose !== undefined) return expose
  const has = (value: string) => (row: HealthRow) => row.Service.Tags?.includes(`kongsul.enable=${value}`)
  return rows.some(has('true')) || !rows.every(has('false'))
}

function routesOf(name: string, { routing }: Document): ReadonlyMap<string, Fields> {
  const plain: [string, unknown][] = [
    ['strip_path', true],
    ['preserve_host', false],
    ['methods', null],
  ]
  const routes = new Map<string, Fields>()
  const hosts = routing?.hosts ?? [`${name}.mesh`]
  routes.set(`mesh.${name}.host`, new Map([...plain, ['hosts', hosts], ['paths', null]]))
  const paths = routing?.paths ?? [`/${name}/`]
  if (paths !== 'off') routes.set(`mesh.${name}.path`, new Map([...plain, ['hosts', null], ['paths', paths]]))
  return routes
}

function weightsOf(
  rows: readonly HealthRow[],
  strategy: string,
  degraded: string,
): ReadonlyMap<string, number | 'kept'> {
  const equal = new Set(rows.map((row) => row.Service.Weights.Passing)).size === 1
  const isEven = strategy === 'round_robin' || (strategy !== 'weighted' && equal)
  const passing = (row: HealthRow) => (isEven ? 100 : row.Service.Weights.Passing)
  const health = rows.map(healthOf)
  const hasHealthy = health.includes('passing')
  const isKept = !hasHealthy && !health.includes('warning')
  return new Map(
    rows.map((row, at) => {
      const { Address, Port, Weights } = row.Service
      const warned = strategy === 'weighted' ? Weights.Warning : passing(row)
      const weights = {
        passing: passing(row),
        warning: degraded === 'weighted' ? Weights.Warning : hasHealthy ? 0 : warned,
        critical: isKept ? ('kept' as const) : 0,
        maintenance: 0,
      }
      return [`${Address}:${Port}`, weights[health[at]!]]
    }),
  )
}

export function healthOf({ Service, Checks }: HealthRow): 'passing' | 'warning' | 'critical' | 'maintenance' {
  const has = (status: string) => Checks.some((check) => check.Status === status)
  if (Checks.some(({ CheckID }) => CheckID === `_service_maintenance:${Service.ID}`)) return 'maintenance'
  return has('critical') ? 'critical' : has('warning') ? 'warning' : 'passing'
}
