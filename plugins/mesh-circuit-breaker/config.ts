import type { Mode } from './schema.ts'

/** What the plugin entity says: the mode, and the settings under the names that Consul's KV uses. */
export interface BreakerPluginConfig {
  readonly mode: Mode
  /** `circuitBreaker` settings in camel case, only those that were given. */
  readonly settings: Readonly<Record<string, unknown>>
}

/** Fields that Kong adds to every configuration. */
const KONGS_OWN = /^__|^(route|service|consumer)_id$/

/** Reads what Kong has already checked against the schema: snake case to camel case, null is as if not given. Pure. */
export function readBreakerConfig(raw: Readonly<Record<string, unknown>>): BreakerPluginConfig {
  const { mode, ...rest } = raw
  const given = Object.fromEntries(Object.entries(rest).filter(([name]) => !KONGS_OWN.test(name)))
  return { mode: (mode as Mode | undefined) ?? 'auto', settings: camel(given) }
}

function camel(record: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const out: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(record)) {
    if (value === null || value === undefined) continue
    const key = name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
    const isRecord = typeof value === 'object' && !Array.isArray(value)
    const inner = isRecord ? camel(value as Readonly<Record<string, unknown>>) : value
    // A record of which nothing was given says nothing.
    if (!isRecord || Object.keys(inner as object).length > 0) out[key] = inner
  }
  return out
}
