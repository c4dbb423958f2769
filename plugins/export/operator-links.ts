import type { Outcome } from '../outcomes/outcome.ts'
import { OperatorLink, type OperatorLinkOptions } from './operator-link.ts'

/** Links to all operators. */
export interface OperatorLinks {
  readonly links: readonly OperatorLink[]
  /** Written as JSON once for all of them. */
  add(outcome: Outcome): void
  stop(deadlineMs?: number): Promise<void>
}

/** @throws TypeError when an operator's address is no URL. */
export function createOperatorLinks(
  operators: readonly string[],
  options: Omit<OperatorLinkOptions, 'operator'>,
): OperatorLinks {
  const links = operators.map((operator) => new OperatorLink({ ...options, operator }))
  return {
    links,
    add: (outcome) => {
      if (links.length === 0) return
      const line = JSON.stringify(outcome)
      for (const link of links) link.add(line)
    },
    stop: async (deadlineMs) => {
      await Promise.all(links.map((link) => link.stop(deadlineMs)))
    },
  }
}
