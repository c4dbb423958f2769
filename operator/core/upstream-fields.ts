/** How a service balances and checks, in the fields of a Kong upstream. */

import { tlsUpstreamFields } from './certificates/upstream-tls.ts'
import type { Json } from './entity.ts'
import type { ActiveChecks, Settings } from './settings-defaults.ts'

/** Whether Kong balances by consistent-hashing, which retries the same target until that is marked. */
export const isHashing = ({ loadBalancing: { strategy } }: Settings): boolean =>
  strategy === 'ip_hash' || strategy === 'random'

/**
 * Passive checks notice a refused connection at once (consistent-hashing retries the same dead target, so without them
 * random and ip_hash fail on a crash) and, where hashing, a timeout; nothing else: Consul is the prober, the breaker the judge.
 */
export function upstreamFields(settings: Settings): Record<string, Json> {
  return {
    ...balancing(settings),
    ...tlsUpstreamFields(settings),
    'healthchecks.threshold': 0,
    'healthchecks.passive.healthy.successes': 0,
    'healthchecks.passive.unhealthy.tcp_failures': 1,
    'healthchecks.passive.unhealthy.http_failures': 0,
    // A hashing retry goes to the silent target again and waits once more; a mark spares it all further waits.
    'healthchecks.passive.unhealthy.timeouts': isHashing(settings) ? 1 : 0,
    ...(settings.healthChecks.active === null ? PROBES_OFF : probes(settings.healthChecks.active)),
  }
}

/**
 * Fields that Kong changes together: writing `hash_on` sets `algorithm` and the other way round (shorthand fields of
 * kong/db/schema/entities/upstreams.lua). A person who has one of them has all of them.
 */
export const BALANCING_FIELDS: ReadonlySet<string> = new Set([
  'algorithm',
  'hash_on',
  'hash_on_header',
  'hash_on_cookie',
  'hash_on_query_arg',
  'hash_on_uri_capture',
  'hash_fallback',
])

function balancing({ loadBalancing: { strategy, hashOn } }: Settings): Record<string, Json> {
  const plain = {
    ...NO_HASH,
    algorithm: strategy === 'least_connections' ? 'least-connections' : 'round-robin',
  }
  if (strategy === 'ip_hash') return hashing(hashOn ?? 'ip')
  // Unique for each request and set by mesh-tracing before Kong balances.
  if (strategy === 'random') return hashing('header:traceparent')
  return plain
}

const NO_HASH = {
  hash_on: 'none',
  hash_fallback: 'none',
  hash_on_header: null,
  hash_on_cookie: null,
  hash_on_query_arg: null,
  hash_on_uri_capture: null,
}

/** @param on `ip`, `header:<name>`, ... as in settings-shape.ts */
function hashing(on: string): Record<string, Json> {
  const [what, name = ''] = on.split(':') as [string, string?]
  const fields: Record<string, Json> = { ...NO_HASH, algorithm: 'consistent-hashing', hash_fallback: 'ip' }
  switch (what) {
    case 'header':
      // Measured: a name with a dash hashes everything to one target; Kong finds the header by `_` as well.
      return { ...fields, hash_on: 'header', hash_on_header: name.toLowerCase().replaceAll('-', '_') }
    case 'cookie':
      return { ...fields, hash_on: 'cookie', hash_on_cookie: name, hash_fallback: 'none' }
    case 'query':
      return { ...fields, hash_on: 'query_arg', hash_on_query_arg: name }
    case 'uri-capture':
      return { ...fields, hash_on: 'uri_capture', hash_on_uri_capture: name }
    case 'ip':
      return { ...fields, hash_on: 'ip', hash_fallback: 'none' }
    default:
      return { ...fields, hash_on: what }
  }
}

const PROBES_OFF = {
  'healthchecks.active.healthy.interval': 0,
  'healthchecks.active.unhealthy.interval': 0,
}

const probes = (checks: ActiveChecks): Record<string, Json> => ({
  'healthchecks.active.type': checks.type,
  'healthchecks.active.http_path': checks.httpPath,
  'healthchecks.active.timeout': checks.timeoutSeconds,
  'healthchecks.active.concurrency': checks.concurrency,
  'healthchecks.active.healthy.interval': checks.intervalSeconds,
  'healthchecks.active.healthy.successes': checks.successes,
  'healthchecks.active.healthy.http_statuses': [...checks.healthyStatuses],
  'healthchecks.active.unhealthy.interval': checks.intervalSeconds,
  'healthchecks.active.unhealthy.http_failures': checks.httpFailures,
  'healthchecks.active.unhealthy.tcp_failures': checks.tcpFailures,
  'healthchecks.active.unhealthy.timeouts': checks.timeouts,
  'healthchecks.active.unhealthy.http_statuses': [...checks.unhealthyStatuses],
})
