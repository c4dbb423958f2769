import type { Hold, HoldKind } from '../core/hold-memory.ts'
import type { Problem } from '../core/problem.ts'

/** One problem for each kind of hold in force: what is held, until when, and how to end it. */
export function holdProblems(holds: readonly Hold[]): readonly Problem[] {
  return (['removal', 'critical'] as const).flatMap((kind) => {
    const held = holds.filter((hold) => hold.kind === kind)
    return held.length === 0 ? [] : [problemOf(kind, held)]
  })
}

export const HOLD_CODES: ReadonlySet<string> = new Set(['SHRINK_HELD', 'CRITICAL_HELD'])

const MOST_NAMES = 5

function problemOf(kind: HoldKind, held: readonly Hold[]): Problem {
  const services = [...new Set(held.map(({ service }) => service))]
  const [only] = services
  const until = new Date(Math.max(...held.map(({ untilMs }) => untilMs))).toISOString()
  const more = services.length > MOST_NAMES ? ` and ${services.length - MOST_NAMES} more` : ''
  const who = `${held.length} ${held.length === 1 ? 'instance' : 'instances'} of ${services.slice(0, MOST_NAMES).join(', ')}${more}`
  const what =
    kind === 'removal'
      ? `${who} vanished from Consul with too many others at once and stay in Kong`
      : `${who} turned critical with too many others at once and keep their weight`
  const accept = services.length === 1 ? `kongsul guard accept ${only}` : 'kongsul guard accept [SERVICE]'
  return {
    code: kind === 'removal' ? 'SHRINK_HELD' : 'CRITICAL_HELD',
    severity: 'error',
    service: services.length === 1 ? only! : '',
    message: `${what} until ${until}; if that is right, "${accept}" lets it happen now`,
  }
}
