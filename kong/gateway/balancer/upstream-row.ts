/** The fields of Kong's `upstreams` and `targets` rows that balancing reads. */

export interface UpstreamRow {
  readonly id: string
  readonly name: string
  readonly algorithm: string
  readonly slots: number
  readonly hash_on: HashOn
  readonly hash_on_header?: string | null
  readonly hash_on_cookie?: string | null
  readonly hash_on_cookie_path?: string | null
  readonly hash_on_query_arg?: string | null
  readonly hash_on_uri_capture?: string | null
  readonly hash_fallback: HashOn
  readonly hash_fallback_header?: string | null
  readonly hash_fallback_query_arg?: string | null
  readonly hash_fallback_uri_capture?: string | null
  readonly host_header?: string | null
  readonly client_certificate?: { readonly id: string } | null
  readonly healthchecks: HealthChecks
}

export type HashOn = 'none' | 'consumer' | 'ip' | 'header' | 'cookie' | 'path' | 'query_arg' | 'uri_capture'

export interface HealthChecks {
  readonly threshold: number
  readonly active: {
    readonly type: string
    readonly timeout: number
    readonly concurrency: number
    readonly http_path: string
    readonly https_sni?: string | null
    readonly https_verify_certificate: boolean
    readonly headers?: Readonly<Record<string, readonly string[]>> | null
    readonly healthy: Successes & { readonly interval: number }
    readonly unhealthy: Failures & { readonly interval: number }
  }
  readonly passive: { readonly type: string; readonly healthy: Successes; readonly unhealthy: Failures }
}

export interface Successes {
  readonly http_statuses: readonly number[]
  readonly successes: number
}

export interface Failures {
  readonly http_statuses: readonly number[]
  readonly http_failures: number
  readonly tcp_failures: number
  readonly timeouts: number
}

export interface TargetRow {
  readonly id: string
  /** `host:port`, IPv6 in brackets. */
  readonly target: string
  readonly weight: number
  readonly created_at: number
  readonly upstream: { readonly id: string }
}

/** Without any of these Kong makes no health checker: targets read HEALTHCHECKS_OFF and cannot be marked. */
export function usesHealthChecks({ active, passive }: HealthChecks): boolean {
  return (
    active.healthy.interval !== 0 ||
    active.unhealthy.interval !== 0 ||
    passive.unhealthy.tcp_failures !== 0 ||
    passive.unhealthy.timeouts !== 0 ||
    passive.unhealthy.http_failures !== 0
  )
}
