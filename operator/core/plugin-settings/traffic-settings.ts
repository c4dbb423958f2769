/** Settings that become plugins of Kong's own: limits, who may call by address, CORS, headers. */

export interface RateLimitSettings {
  readonly enabled: boolean
  readonly second: number | null
  readonly minute: number | null
  readonly hour: number | null
  readonly day: number | null
  /** Who is counted: all callers together, or each by what it is. */
  readonly limitBy: 'service' | 'consumer' | 'credential' | 'ip' | 'header' | 'path'
  readonly header: string | null
  readonly path: string | null
  /** `local`: each node of Kong counts by itself; `redis`: all count together, in the Redis of the process. */
  readonly policy: 'local' | 'redis'
  /** Are answers sent without RateLimit headers? */
  readonly hideHeaders: boolean
}

export interface RequestSizeSettings {
  readonly enabled: boolean
  /** null: any size. */
  readonly maxBytes: number | null
  readonly requireContentLength: boolean
}

/** Addresses and CIDR blocks; null or empty: not asked. A denied one is refused even when it is allowed too. */
export interface AccessSettings {
  readonly enabled: boolean
  readonly allow: readonly string[] | null
  readonly deny: readonly string[] | null
}

export interface CorsSettings {
  readonly enabled: boolean
  /** null: nothing is answered for CORS. */
  readonly origins: readonly string[] | null
  readonly methods: readonly string[]
  /** Request headers that are allowed; null: those that the browser asks for. */
  readonly headers: readonly string[] | null
  readonly exposedHeaders: readonly string[] | null
  readonly credentials: boolean
  readonly maxAgeSeconds: number | null
  /** Do preflight requests go on to the service? */
  readonly passPreflight: boolean
}

/** In this order: remove, rename, set (replace, or add where it is not there), add (one more). */
export interface HeaderRules {
  readonly remove?: readonly string[]
  readonly rename?: Readonly<Record<string, string>>
  readonly set?: Readonly<Record<string, string>>
  readonly add?: Readonly<Record<string, string>>
}

export interface TrafficSettings {
  readonly rateLimit: RateLimitSettings
  readonly requestSize: RequestSizeSettings
  readonly access: AccessSettings
  readonly cors: CorsSettings
  readonly headers?: { readonly request?: HeaderRules; readonly response?: HeaderRules }
}

/** kong/plugins/cors/schema.lua */
export const CORS_METHODS = [
  'GET',
  'HEAD',
  'PUT',
  'PATCH',
  'POST',
  'DELETE',
  'OPTIONS',
  'TRACE',
  'CONNECT',
] as const

export const BUILT_IN_TRAFFIC: TrafficSettings = {
  rateLimit: {
    enabled: true,
    second: null,
    minute: null,
    hour: null,
    day: null,
    limitBy: 'service',
    header: null,
    path: null,
    policy: 'local',
    hideHeaders: false,
  },
  requestSize: { enabled: true, maxBytes: null, requireContentLength: false },
  access: { enabled: true, allow: null, deny: null },
  cors: {
    enabled: true,
    origins: null,
    methods: CORS_METHODS,
    headers: null,
    exposedHeaders: null,
    credentials: false,
    maxAgeSeconds: null,
    passPreflight: false,
  },
}
