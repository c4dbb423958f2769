import type { Json } from '../core/entity.ts'
import type { HeldChange, PlannedChange, PlanReport } from '../core/plan-report.ts'
import type { Problem } from '../core/problem.ts'
import type { Io } from './io.ts'
import { formatTable } from './table.ts'

/** 0: nothing to do, 2: changes. An error, 1, never gets as far as a report. */
export const planExitCode = ({ inSync }: PlanReport): 0 | 2 => (inSync ? 0 : 2)

/** The lines that `plan` prints for people. */
export function planLines(report: PlanReport, { paint, width }: Pick<Io, 'paint' | 'width'>): string[] {
  const colours = { create: paint.green, update: paint.yellow, delete: paint.red }
  const signs = { create: '+', update: '~', delete: '-' }
  const table = formatTable(
    [
      { title: 'ACTION' },
      { title: 'KIND' },
      { title: 'NAME', shrinks: true },
      { title: 'SERVICE', shrinks: true },
      { title: 'WHAT', shrinks: true },
    ],
    [
      ...report.changes.map((change) => [
        { text: `${signs[change.action]} ${change.action}`, paint: colours[change.action] },
        change.kind,
        change.name || change.id,
        change.service || '-',
        what(change),
      ]),
      ...report.held.map((held) => [
        { text: '= held', paint: paint.dim },
        held.kind,
        held.name || held.id,
        held.service,
        whyHeld(held),
      ]),
    ],
    { width: width(), heading: paint.bold },
  )
  const { create, update, delete: removed } = report.counts
  const summary = report.inSync
    ? 'Nothing to do: Kong is as Consul says.'
    : `${create} to create, ${update} to update, ${removed} to delete.${heldSummary(report)}`
  return [
    ...(report.inSync ? [] : [...table, '']),
    summary,
    ...(report.dbless ? [DBLESS] : []),
    ...report.overrides.map(overrideLine),
    ...problemLines(report.problems, paint),
  ]
}

function overrideLine({ kind, name, field, wanted, actual }: PlanReport['overrides'][number]): string {
  const [inKong, inConsul] = [text(actual), text(wanted)]
  return inKong === inConsul
    ? `override: ${kind} ${name} ${field} is pinned by hand; it stays ${inKong} whatever Consul says`
    : `override: ${kind} ${name} ${field} is ${inKong} by hand, Consul says ${inConsul}; it is kept`
}

function whyHeld({ hold, until }: HeldChange): string {
  return hold === 'removal' ? `until ${until}, then deleted` : `until ${until}, though critical`
}

const heldSummary = ({ held }: PlanReport): string =>
  held.length === 0 ? '' : ` ${held.length} held: "kongsul guard accept" lets them happen now.`

/** One line for each problem, most severe first. */
export function problemLines(problems: readonly Problem[], paint: Io['paint']): string[] {
  const rank = { error: 0, warning: 1, info: 2 }
  const colours = { error: paint.red, warning: paint.yellow, info: paint.dim }
  return problems
    .toSorted((a, b) => rank[a.severity] - rank[b.severity])
    .map(({ severity, code, service, message }) => {
      const where = service ? ` ${service}:` : ''
      return `${colours[severity](`${severity}:`)}${where} ${message} (${code})`
    })
}

const DBLESS =
  'Kong runs without a database: all of this is one configuration, and fields edited there are put right; only KV and the health of targets override.'

/** Bookkeeping in tags is no news to a person, unless it is all there is. */
function what({ action, fields }: PlannedChange): string {
  if (action === 'delete') return ''
  const news = Object.entries(fields).filter(([field]) => field !== 'tags' && field !== 'name')
  if (news.length === 0) return 'tags' in fields ? 'tags only' : ''
  if (action === 'create') {
    // What is empty, or refers to another row, says nothing to a reader of the table.
    const told = news.filter(([, { to }]) => to !== null && !(typeof to === 'object' && 'id' in to))
    return told.map(([field, { to }]) => `${field}=${text(to)}`).join(', ')
  }
  return news.map(([field, { from, to }]) => `${field}: ${text(from)} -> ${text(to)}`).join(', ')
}

function text(value: Json): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}
