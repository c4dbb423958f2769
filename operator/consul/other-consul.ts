import type { RawNode } from './raw-rows.ts'

/** Ids of nodes that have one; external nodes have none. */
export function nodeIds(nodes: readonly RawNode[]): ReadonlySet<string> {
  return new Set(nodes.flatMap(({ ID = '' }) => (ID === '' ? [] : [ID])))
}

/**
 * Is this another Consul than the one that was read before, or the same without its data? An agent that begins anew
 * takes a new id, and nothing that was known is left.
 */
export function isOtherConsul(before: ReadonlySet<string>, after: ReadonlySet<string>): boolean {
  return before.size > 0 && ![...before].some((id) => after.has(id))
}
