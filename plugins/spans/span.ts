/** A finished span, before any wire format. */
export interface Span {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId: string | null
  /** Whether the parent is in another process. */
  readonly isParentRemote: boolean
  readonly sampled: boolean
  readonly name: string
  readonly kind: 'server' | 'client'
  /** Wall clock, ms. */
  readonly startMs: number
  readonly endMs: number
  readonly attributes: Attributes
  readonly isError: boolean
}

export type Attributes = Readonly<Record<string, string | number>>
