import type { Canary } from './change-shapes.ts'

export const stateWord = (state: Canary['state'] | string): string => state.replace('_', ' ')

/** What was decided, without the state that is said beside it; '' for nothing more than that. */
export function decisionText({
  state,
  decision,
}: Pick<Canary, 'decision'> & { readonly state: string }): string {
  const word = stateWord(state)
  if (decision === word) return ''
  return decision.startsWith(`${word}: `) ? decision.slice(word.length + 2) : decision
}
