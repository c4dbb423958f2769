import { equal, ok } from 'node:assert/strict'
import type { TraceStore } from '../../operator/traces/trace-store.ts'

/** Everything that is counted along the way, counted again from what is there. */
export function checkBooks(store: TraceStore): void {
  const traces = [...store.traces()]
  equal(
    store.spanCount,
    traces.reduce((sum, { spans }) => sum + spans.length, 0),
  )
  const refs = new Map<object, number>()
  const held = new Map<object, Set<unknown>>()
  for (const trace of traces) {
    ok(!trace.isGone)
    for (const { service, terms } of trace.resources) {
      for (const term of [service, ...terms]) refs.set(term, (refs.get(term) ?? 0) + 1)
    }
    for (const span of trace.spans) {
      for (const term of [
        ...span.terms,
        span.name,
        span.scope,
        ...(span.calls === null ? [] : [span.calls]),
      ]) {
        refs.set(term, (refs.get(term) ?? 0) + 1)
      }
      for (const term of [...span.terms, span.name, span.resource.service]) {
        held.set(term, (held.get(term) ?? new Set()).add(trace))
      }
    }
  }
  let terms = 0
  for (const table of [store.attributes, store.names, store.services]) {
    for (const term of table) {
      terms++
      equal(term.refs, refs.get(term), `${term.key}=${term.value}`)
      const listed = new Set(term.traces.filter(({ isGone }) => !isGone))
      for (const trace of held.get(term) ?? []) ok(listed.has(trace as never), `${term.key}=${term.value}`)
      ok(term.traces.length <= Math.max(64, 4 * term.refs), `${term.traces.length} for ${term.refs}`)
    }
  }
  equal(terms, refs.size)
}
