import { readFileSync } from 'node:fs'

/** One vector: a request, the configuration, and what must come of it. */
export interface PropagationVector {
  readonly id: string
  readonly title: string
  readonly config: object
  readonly incoming: readonly (readonly [name: string, value: string])[]
}

/** What a simulator answered, as it looks after JSON. */
export interface PropagationAnswer {
  readonly extracted: unknown
  readonly outgoing: unknown
}

const folder = new URL('../fixtures/vectors/', import.meta.url)

export const readVectors = (): readonly PropagationVector[] =>
  JSON.parse(readFileSync(new URL('propagation-vectors.json', folder), 'utf8')).vectors

type Match = (vector: PropagationVector, actual: unknown) => readonly unknown[]
const matchers: { readonly matchExtracted: Match; readonly matchOutgoing: Match } = await import(
  new URL('match-vectors.mjs', folder).href
)

/** What differs from the vector's expectation; empty when nothing does. */
export const mismatches = (
  vector: PropagationVector,
  { extracted, outgoing }: PropagationAnswer,
): readonly unknown[] => [
  ...matchers.matchExtracted(vector, extracted),
  ...matchers.matchOutgoing(vector, outgoing),
]
