import { explainIssues } from '../../operator/core/settings-document.ts'
import { type BreakerDocument, circuitBreaker } from './settings-shape.ts'

export type ReadSettings =
  | { readonly ok: true; readonly document: BreakerDocument }
  /** Sentences that name the field, what it must be and what it is. */
  | { readonly ok: false; readonly errors: readonly string[] }

/** Checks a section `circuitBreaker` that comes from outside. */
export function readSettings(input: unknown): ReadSettings {
  const result = circuitBreaker.safeParse(input)
  if (result.success) return { ok: true, document: result.data as BreakerDocument }
  return { ok: false, errors: explainIssues(result.error.issues, input, circuitBreaker) }
}
