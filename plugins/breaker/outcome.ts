/** What became of one call, as the access log or the log phase tells it. */

export interface Outcome {
  /** Key of the service circuit. */
  readonly service: string
  /** When the request started, on the clock of `nowMs` (see monotonic-start.ts). */
  readonly startedAtMs: number
  /**
   * Generation of the service circuit when the call was admitted: exact. Undefined where nobody kept it, then
   * `startedAtMs` tells old calls from new ones; NO_DECISION where it is known that nobody asked.
   */
  readonly generation?: number | undefined
  readonly status: number | null
  /** `exit`: a plugin or Kong itself answered. */
  readonly source: 'upstream' | 'exit' | 'client_abort'
  readonly durationMs: number | null
  /** Time to the first byte of the answer; null or negative when there was none. */
  readonly ttfbMs: number | null
  readonly grpcStatus: number | null
  /** null: not known which instances were tried; empty: none was. */
  readonly tries: readonly Try[] | null
}

export interface Try {
  /** `ip:port` */
  readonly instance: string
  /** null: the log does not say. */
  readonly status: number | 'connect_error' | 'timeout' | null
  /** How long the try took; null when not known. */
  readonly ms: number | null
  /** Until the first byte of its answer; null: there was none. Undefined where nobody says. */
  readonly ttfbMs?: number | null | undefined
}

/** The call passed without a decision, for example because the plugin was switched on while it ran. */
export const NO_DECISION = -1
