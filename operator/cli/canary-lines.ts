import type { CanaryView } from '../sync/canary-view.ts'
import type { Io } from './io.ts'
import { formatTable } from './table.ts'

type Terminal = Pick<Io, 'width' | 'paint'>

/** The table that `canary list` and `canary status` print for people. */
export function canaryLines(canaries: readonly CanaryView[], { width, paint }: Terminal): string[] {
  if (canaries.length === 0) return ['No canary was started. kongsul canary start --help tells how.']
  const columns = [
    { title: 'SERVICE', shrinks: true },
    { title: 'TO', shrinks: true },
    { title: 'STATE' },
    { title: 'STEP', align: 'right' as const },
    { title: 'WEIGHT', align: 'right' as const },
    { title: 'REQUESTS', align: 'right' as const },
    { title: 'FAILED', align: 'right' as const },
    { title: 'P95', align: 'right' as const },
    { title: 'DECISION', shrinks: true, least: 20 },
  ]
  const rows = canaries.map((each) => [
    each.service,
    each.to,
    { text: each.state.replace('_', ' '), paint: paintOf(each.state, paint) },
    `${each.step}/${each.steps.length}`,
    `${each.weight} %`,
    `${each.requests}`,
    each.requests === 0 ? '-' : `${Math.round(each.error_rate * 100) / 100} %`,
    each.p95 === null ? '-' : `${Math.round(each.p95)} ms`,
    each.decision,
  ])
  return formatTable(columns, rows, { width: width(), heading: paint.dim })
}

/** What `canary status SERVICE` prints below the table: the rules it goes by. */
export function canaryRules(canary: CanaryView): string[] {
  const { every, max_error_rate: errors, max_p95: p95, min_requests: least, steps, by } = canary
  const slow = p95 === null ? '' : `, p95 at most ${p95} ms`
  return [
    canary.decision,
    `steps ${steps.join(', ')} %, each ${every / 1_000} s or longer; at most ${errors} % failed${slow}, judged from ${least} requests on`,
    `started ${canary.started_at} by ${by}; in this state since ${canary.since}`,
  ]
}

function paintOf(state: CanaryView['state'], paint: Io['paint']): (text: string) => string {
  if (state === 'rolled_back') return paint.red
  if (state === 'paused' || state === 'aborted') return paint.yellow
  return state === 'promoted' ? paint.green : (text) => text
}
