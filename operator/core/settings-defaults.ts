/** Effective settings of one service, and their built-in values. */

import { type BreakerSettings, BUILT_IN_BREAKER } from '../../plugins/breaker/settings-defaults.ts'
import { BUILT_IN_TLS, type UpstreamTlsSettings } from './certificates/upstream-tls.ts'
import { BUILT_IN_TRAFFIC, type TrafficSettings } from './plugin-settings/traffic-settings.ts'
import type { FORMATS, STRATEGIES } from './settings-shape.ts'

export type Strategy = (typeof STRATEGIES)[number]
export type Protocol = 'http' | 'https' | 'grpc' | 'grpcs' | 'tcp'
export type Format = (typeof FORMATS)[number]

export interface Settings extends TrafficSettings {
  readonly tls: UpstreamTlsSettings
  readonly loadBalancing: {
    readonly strategy: Strategy
    /** What `ip_hash` hashes instead of the client's address: `header:x-user`, `cookie:session`, ... */
    readonly hashOn: string | null
  }
  readonly healthChecks: {
    /** Kong's own probes; null (the default) leaves probing to Consul. */
    readonly active: ActiveChecks | null
    readonly passive: { readonly recoverSeconds: number }
  }
  readonly circuitBreaker: BreakerSettings
  readonly tracing: {
    readonly enabled: boolean
    readonly samplingRate: number
    readonly propagation: {
      readonly extract: readonly Format[]
      readonly inject: readonly (Format | 'preserve')[]
      readonly clear: readonly string[]
      readonly default_format: Format
    }
  }
  /** How callers show who they are where intentions are enforced; empty: jwt. */
  readonly auth: { readonly methods: readonly string[] }
  readonly intentions: {
    /** What holds where no intention matches; `consul`: what Consul itself does then. */
    readonly default: 'consul' | 'allow' | 'deny'
    /** Callers without identity, where only some callers are denied by name: `allow` enforces nothing. */
    readonly anonymous: 'allow' | 'deny'
    /** How long the old key of an identity is valid after a rotation. */
    readonly graceSeconds: number
  }
  readonly routing: {
    /** null: the default host; 'off': none; a list replaces it. */
    readonly hosts: readonly string[] | 'off' | null
    readonly paths: readonly string[] | 'off' | null
    readonly routes: readonly OwnRoute[]
    /** Create default routes even where they take requests from a route that is not ours. */
    readonly takeover: boolean
    /** `redirect`: requests that come without TLS are sent to https. */
    readonly https: 'optional' | 'redirect'
    /** Hosts and path prefixes that services may claim by their meta. */
    readonly allowed: readonly string[]
  }
  readonly timeouts: { readonly connectMs: number; readonly readMs: number; readonly writeMs: number }
  readonly retries: number
  readonly degraded: 'fallback' | 'weighted'
  /** null: as `expose.default` of the mesh says. */
  readonly expose: boolean | null
  readonly enabled: boolean
  readonly overrides: { readonly policy: 'keep' | 'revert'; readonly ttlSeconds: number }
  readonly guard: { readonly holdSeconds: number }
  readonly health: { readonly whenAllCritical: 'keep' | 'fail' }
  readonly protocol: Protocol
  /** null: Consul's own `Weights` of each instance. */
  readonly weights: { readonly passing: number | null; readonly warning: number | null }
  /** Injected on purpose, for tests; see faults.ts. */
  readonly faults: {
    readonly delayMs: number | null
    /** Percent of the requests. */
    readonly delayPercent: number
    readonly abortPercent: number
    readonly abortStatus: number
    /** Prefixes of the path; none: every request. */
    readonly paths: readonly string[]
    /** RFC 3339; null: nothing is injected. */
    readonly until: string | null
  }
}

export interface ActiveChecks {
  readonly type: 'http' | 'https' | 'tcp' | 'grpc' | 'grpcs'
  readonly httpPath: string
  readonly intervalSeconds: number
  readonly timeoutSeconds: number
  readonly concurrency: number
  readonly successes: number
  readonly httpFailures: number
  readonly tcpFailures: number
  readonly timeouts: number
  readonly healthyStatuses: readonly number[]
  readonly unhealthyStatuses: readonly number[]
}

export interface OwnRoute {
  readonly name: string
  readonly hosts?: readonly string[]
  readonly paths?: readonly string[]
  readonly methods?: readonly string[]
  readonly headers?: Readonly<Record<string, readonly string[]>>
  readonly stripPath?: boolean
  readonly preserveHost?: boolean
}

export const ACTIVE_CHECKS: ActiveChecks = {
  type: 'http',
  httpPath: '/',
  intervalSeconds: 5,
  timeoutSeconds: 1,
  concurrency: 10,
  successes: 1,
  httpFailures: 2,
  tcpFailures: 2,
  timeouts: 2,
  healthyStatuses: [200, 302],
  unhealthyStatuses: [429, 404, 500, 501, 502, 503, 504, 505],
}

export const BUILT_IN: Settings = {
  loadBalancing: { strategy: 'round_robin', hashOn: null },
  healthChecks: { active: null, passive: { recoverSeconds: 2 } },
  circuitBreaker: BUILT_IN_BREAKER,
  tracing: {
    enabled: true,
    samplingRate: 1,
    propagation: {
      extract: ['w3c', 'b3', 'b3-single', 'jaeger', 'ot', 'datadog', 'aws', 'gcp', 'mesh'],
      inject: ['preserve'],
      clear: [],
      default_format: 'w3c',
    },
  },
  ...BUILT_IN_TRAFFIC,
  tls: BUILT_IN_TLS,
  auth: { methods: [] },
  intentions: { default: 'consul', anonymous: 'deny', graceSeconds: 86_400 },
  routing: { hosts: null, paths: null, routes: [], takeover: false, https: 'optional', allowed: [] },
  timeouts: { connectMs: 1_000, readMs: 60_000, writeMs: 60_000 },
  retries: 3,
  degraded: 'fallback',
  expose: null,
  enabled: true,
  overrides: { policy: 'keep', ttlSeconds: 0 },
  guard: { holdSeconds: 300 },
  health: { whenAllCritical: 'keep' },
  protocol: 'http',
  weights: { passing: null, warning: null },
  faults: { delayMs: null, delayPercent: 100, abortPercent: 0, abortStatus: 503, paths: [], until: null },
}
