export type ServiceState = 'closed' | 'open' | 'half_open' | 'forced_open'
export type InstanceState = 'closed' | 'ejected' | 'probing'

/** A change of one circuit. */
export interface Transition {
  readonly atMs: number
  /** Key of the service circuit; for an instance the name of its upstream. */
  readonly key: string
  /** `ip:port`; null: the service circuit. */
  readonly instance: string | null
  readonly from: ServiceState | InstanceState
  readonly to: ServiceState | InstanceState
  /** A code, a colon and a sentence: which counts in which window met which limit. */
  readonly reason: string
  /** metrics_only: what would have happened; the circuit stays as it is. */
  readonly wouldBe: boolean
  /** End of the opening or ejection; null for other states. */
  readonly deadlineMs: number | null
}
