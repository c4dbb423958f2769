import type { ApplyResult } from '../sync/apply-now.ts'

/** What `apply` prints for people. */
export function applyLines({ service, changes, pending }: ApplyResult): string[] {
  const lines = changes.toReversed().flatMap(({ service: of, result, error, diff, duration }) => {
    const head = result === 'applied' ? `${of}: ${diff.length} changes in ${duration} ms` : `${of}: ${error}`
    return [head, ...diff.map(({ action, kind, name }) => `  ${action} ${kind} ${name}`)]
  })
  if (pending.length > 0) {
    return [...lines, `Not in Kong yet: ${pending.join(', ')}. See kongsul status.`]
  }
  const what = service ?? 'Kong'
  return [
    ...lines,
    lines.length === 0 ? `Nothing to do: ${what} is as Consul says.` : `${what} is as Consul says.`,
  ]
}
