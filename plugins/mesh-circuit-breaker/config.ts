import type { PluginInstance } from '../server/form/define-plugin.ts'
import type { RefusalSettings } from './refusal.ts'

/** What the plugin entity says, under the names that Consul's KV uses. */
export interface BreakerPluginConfig {
  /** Of the circuit: the route or the service that the plugin is on; '' when it is on neither. */
  readonly key: string
  /** Kong service, as far as the entity says it. */
  readonly serviceId: string | null
  /** Of two configurations of one circuit the one of the instance with the higher id is the newer; null: the one that comes last. */
  readonly instanceId: number | null
  /** `circuitBreaker` settings in camel case, `mode` among them, only those that were given. */
  readonly settings: Readonly<Record<string, unknown>>
  readonly refusal: RefusalSettings
}

/** Fields that Kong adds to every configuration. */
const KONGS_OWN = /^__|^(route|service|consumer)_id$/

/** Reads what Kong has already checked against the schema: snake case to camel case, null is as if not given. Pure. */
export function readBreakerConfig(
  raw: Readonly<Record<string, unknown>>,
  { id, serviceId, routeId }: PluginInstance,
): BreakerPluginConfig {
  const { refusal, ...rest } = raw
  const given = Object.fromEntries(Object.entries(rest).filter(([name]) => !KONGS_OWN.test(name)))
  return {
    key: routeId ?? serviceId ?? '',
    serviceId,
    instanceId: id,
    settings: withOneWindow(camel(given)),
    refusal: readRefusal(refusal),
  }
}

/**
 * Somebody who sets `window.calls` through the Admin API leaves the form in seconds beside it, which Kong had before; the
 * breaker takes one form alone.
 */
function withOneWindow(settings: Record<string, unknown>): Record<string, unknown> {
  const { window, service } = settings
  return {
    ...settings,
    ...(isRecord(window) && window.calls !== undefined && { window: { calls: window.calls } }),
    ...(isRecord(service) && { service: withOneWindow(service) }),
  }
}

function readRefusal(raw: unknown): RefusalSettings {
  const { status, body, headers } = (raw ?? {}) as Partial<Record<keyof RefusalSettings, unknown>>
  return {
    status: typeof status === 'number' ? status : null,
    body: typeof body === 'string' ? body : null,
    // An empty map may come as a list: Lua has only tables.
    headers: isRecord(headers) ? (headers as Readonly<Record<string, string>>) : {},
  }
}

function camel(record: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const out: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(record)) {
    if (value === null || value === undefined) continue
    const key = name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
    const inner = isRecord(value) ? camel(value) : value
    // A record of which nothing was given says nothing.
    if (!isRecord(inner) || Object.keys(inner).length > 0) out[key] = inner
  }
  return out
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
