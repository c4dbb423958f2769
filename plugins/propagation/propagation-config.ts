/** Formats that `extract` may name. `b3` reads both of its forms, `b3-single` the one header alone. */
export const FORMATS = ['w3c', 'b3', 'b3-single', 'jaeger', 'ot', 'datadog', 'aws', 'gcp', 'mesh'] as const

export type Format = (typeof FORMATS)[number]

/** What `inject` may name: a format, or `preserve` for the one that came in. */
export type Injection = Format | 'preserve'

/** Kong's `propagation` record, with the sampling rate beside it. */
export interface PropagationConfig {
  /** Tried in this order; the first that holds a trace is continued. Empty: what comes in is not read. */
  readonly extract: readonly Format[]
  /** All of them are written. Empty: no header is touched, but for those in `clear`. */
  readonly inject: readonly Injection[]
  /** Header names, any case, taken off after they were read and before anything is written. */
  readonly clear: readonly string[]
  /** What `preserve` means when nothing came in. */
  readonly defaultFormat: Format
  /** Share (0..1) of new traces that are sampled. A decision that came in is followed whatever this says. */
  readonly samplingRate: number
}

export const PROPAGATION_DEFAULTS: PropagationConfig = {
  extract: FORMATS,
  inject: ['preserve'],
  clear: [],
  defaultFormat: 'w3c',
  samplingRate: 1,
}
