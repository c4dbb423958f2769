/** Something a person should know about, found while deciding; it never stops the rest. */
export interface Problem {
  /** Stable, UPPER_SNAKE: HOST_TAKEN, SETTING_INVALID, INSTANCE_WITHOUT_PORT, ... */
  readonly code: string
  readonly severity: 'info' | 'warning' | 'error'
  /** Consul service concerned, '' for the mesh as a whole. */
  readonly service: string
  /** What is wrong and what mends it, in one sentence that names the field. */
  readonly message: string
}
