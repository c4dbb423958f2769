import { EXTRACT_FORMATS, type InjectFormat, type TraceFormat } from './schema.ts'

/** What the plugin entity says, with its defaults. */
export interface TracingConfig {
  readonly enabled: boolean
  /** Share of new traces that are sampled, 0 to 1; 0 where tracing is off. */
  readonly samplingRate: number
  readonly extract: readonly TraceFormat[]
  readonly inject: readonly InjectFormat[]
  /** Request headers to take away. */
  readonly clear: readonly string[]
  readonly defaultFormat: TraceFormat
}

/** Reads what Kong has already checked against the schema. Pure. */
export function readTracingConfig(raw: Readonly<Record<string, unknown>>): TracingConfig {
  const enabled = raw['enabled'] !== false
  const rate = raw['sampling_rate']
  const propagation = (raw['propagation'] ?? {}) as Readonly<Record<string, unknown>>
  const list = <T>(name: string, fallback: readonly T[]) => {
    const value = propagation[name]
    return Array.isArray(value) ? (value as readonly T[]) : fallback
  }
  return {
    enabled,
    samplingRate: enabled ? (typeof rate === 'number' ? rate : 1) : 0,
    extract: list('extract', EXTRACT_FORMATS),
    inject: list('inject', ['preserve']),
    clear: list('clear', []),
    defaultFormat: (propagation['default_format'] as TraceFormat | undefined) ?? 'w3c',
  }
}
