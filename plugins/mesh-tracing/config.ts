import {
  FORMATS,
  type Format,
  type Injection,
  PROPAGATION_DEFAULTS,
  type PropagationConfig,
} from '../propagation/propagation-config.ts'

/** What the plugin entity says, with its defaults. Where tracing is off traces go on, and none that begins is sampled. */
export interface TracingConfig extends PropagationConfig {
  readonly enabled: boolean
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
    samplingRate: enabled ? (typeof rate === 'number' ? rate : PROPAGATION_DEFAULTS.samplingRate) : 0,
    extract: list<Format>('extract', FORMATS),
    inject: list<Injection>('inject', PROPAGATION_DEFAULTS.inject),
    clear: list('clear', []),
    defaultFormat:
      (propagation['default_format'] as Format | undefined) ?? PROPAGATION_DEFAULTS.defaultFormat,
  }
}
