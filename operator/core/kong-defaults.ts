/** What Kong 3.9 gives a field that nobody set: such a value is nobody's edit. */

import type { Json, Kind } from './entity.ts'
import { isSameFieldValue } from './field-value.ts'
import { ACTIVE_CHECKS } from './settings-defaults.ts'

/** Is this the value Kong gives the field by itself? Absent counts as null. */
export function isKongDefault(kind: Kind, field: string, value: Json | undefined): boolean {
  if (value === null || value === undefined) return true
  const byDefault = DEFAULTS[kind][field]
  return byDefault !== undefined && isSameFieldValue(field, byDefault, value)
}

const DEFAULTS: Readonly<Record<Kind, Readonly<Record<string, Json>>>> = {
  upstream: {
    algorithm: 'round-robin',
    hash_on: 'none',
    hash_fallback: 'none',
    'healthchecks.threshold': 0,
    'healthchecks.passive.healthy.successes': 0,
    'healthchecks.passive.unhealthy.tcp_failures': 0,
    'healthchecks.passive.unhealthy.http_failures': 0,
    'healthchecks.passive.unhealthy.timeouts': 0,
    'healthchecks.active.type': 'http',
    'healthchecks.active.http_path': '/',
    'healthchecks.active.timeout': 1,
    'healthchecks.active.concurrency': 10,
    'healthchecks.active.healthy.interval': 0,
    'healthchecks.active.healthy.successes': 0,
    'healthchecks.active.healthy.http_statuses': [...ACTIVE_CHECKS.healthyStatuses],
    'healthchecks.active.unhealthy.interval': 0,
    'healthchecks.active.unhealthy.http_failures': 0,
    'healthchecks.active.unhealthy.tcp_failures': 0,
    'healthchecks.active.unhealthy.timeouts': 0,
    'healthchecks.active.unhealthy.http_statuses': [...ACTIVE_CHECKS.unhealthyStatuses],
  },
  target: { weight: 100 },
  service: {
    protocol: 'http',
    connect_timeout: 60_000,
    read_timeout: 60_000,
    write_timeout: 60_000,
    retries: 5,
    enabled: true,
  },
  route: {
    protocols: ['http', 'https'],
    strip_path: true,
    preserve_host: false,
    https_redirect_status_code: 426,
  },
  plugin: { enabled: true, 'config.rename.headers': [] },
  certificate: {},
  sni: {},
  ca_certificate: {},
  consumer: {},
  jwt_secret: { algorithm: 'HS256' },
  keyauth_credential: {},
  acl: {},
}
