/** Settings of a service as the configuration of Kong's own plugins. */

import type { Json } from '../entity.ts'
import { isCors, isLimited } from './combine-settings.ts'
import { type HeaderSteps, headerFields, mergeSteps, NO_HEADERS, stepsOfRules } from './header-fields.ts'
import type { RateLimitSettings, TrafficSettings } from './traffic-settings.ts'

export type Fields = Readonly<Record<string, Json>>

export interface PluginConfig {
  readonly name: string
  /** By dotted path: `config.minute`. */
  readonly fields: Fields
}

/** Where limits are counted together: the Redis of the process. */
export interface SharedRedis {
  readonly host: string
  readonly port: number
  readonly username: string | null
  readonly password: string | null
  readonly database: number
  readonly ssl: boolean
  readonly verify: boolean
  /** The name that its certificate has, where that is not the host. */
  readonly serverName?: string
}

/** Header changes of a route, done after those of the service. */
export interface RouteHeaders {
  readonly request: HeaderSteps | null
  readonly response: HeaderSteps | null
  /** The path that is sent on; null: as Kong makes it. */
  readonly uri: string | null
}

export const NO_ROUTE_HEADERS: RouteHeaders = { request: null, response: null, uri: null }

/** @param redis null: there is none, and each node of Kong counts by itself */
export function pluginConfigs(
  settings: TrafficSettings,
  redis: SharedRedis | null,
  route: RouteHeaders = NO_ROUTE_HEADERS,
): readonly PluginConfig[] {
  const { rateLimit, requestSize, access, cors, headers } = settings
  const configs: PluginConfig[] = []
  const add = (name: string, fields: Fields | null): void => {
    if (fields !== null) configs.push({ name, fields })
  }
  if (isLimited(rateLimit)) add('rate-limiting', limitFields(rateLimit, redis))
  if (requestSize.enabled && requestSize.maxBytes !== null) {
    add('request-size-limiting', {
      'config.allowed_payload_size': requestSize.maxBytes,
      'config.size_unit': 'bytes',
      'config.require_content_length': requestSize.requireContentLength,
    })
  }
  const [allow, deny] = [orNull(access.allow), orNull(access.deny)]
  if (access.enabled && (allow ?? deny) !== null) {
    add('ip-restriction', { 'config.allow': allow, 'config.deny': deny })
  }
  if (isCors(settings)) {
    add('cors', {
      'config.origins': cors.origins,
      'config.methods': cors.methods,
      'config.headers': cors.headers,
      'config.exposed_headers': cors.exposedHeaders,
      'config.credentials': cors.credentials,
      'config.max_age': cors.maxAgeSeconds,
      'config.preflight_continue': cors.passPreflight,
    })
  }
  const request = mergeSteps(headers?.request ? stepsOfRules(headers.request) : null, route.request)
  const response = mergeSteps(headers?.response ? stepsOfRules(headers.response) : null, route.response)
  add('request-transformer', requestFields(headerFields(request), route.uri))
  add('response-transformer', headerFields(response))
  return configs
}

function requestFields(headers: Fields | null, uri: string | null): Fields | null {
  if (headers === null && uri === null) return null
  return { ...(headers ?? NO_HEADERS), 'config.replace.uri': uri }
}

/** Every field is named: one that is no longer asked for goes back, the password above all. */
function limitFields(limit: RateLimitSettings, redis: SharedRedis | null): Fields {
  const shared = limit.policy === 'redis' ? redis : null
  const ssl = shared?.ssl ?? false
  return {
    'config.second': limit.second,
    'config.minute': limit.minute,
    'config.hour': limit.hour,
    'config.day': limit.day,
    'config.limit_by': limit.limitBy,
    'config.header_name': limit.header,
    'config.path': limit.path,
    'config.hide_client_headers': limit.hideHeaders,
    'config.policy': shared === null ? 'local' : 'redis',
    'config.redis.host': shared?.host ?? null,
    'config.redis.port': shared?.port ?? 6379,
    'config.redis.username': shared?.username ?? null,
    'config.redis.password': shared?.password ?? null,
    'config.redis.database': shared?.database ?? 0,
    'config.redis.ssl': ssl,
    'config.redis.ssl_verify': ssl && (shared?.verify ?? true),
    'config.redis.server_name': ssl ? (shared?.serverName ?? shared?.host ?? null) : null,
  }
}

const orNull = (list: readonly string[] | null): readonly string[] | null =>
  list === null || list.length === 0 ? null : list
