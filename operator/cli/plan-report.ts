import type { Desired } from '../core/desired.ts'
import type { Change, Diff, Override } from '../core/diff.ts'
import type { Json } from '../core/entity.ts'
import { orderChanges } from '../core/plan-order.ts'
import type { Problem } from '../core/problem.ts'
import type { Io } from './io.ts'
import { formatTable } from './table.ts'

/** One change as `plan -o json` prints it, in the order in which it would be applied. */
export interface PlannedChange {
  readonly action: 'create' | 'update' | 'delete'
  readonly kind: string
  readonly id: string
  readonly name: string
  readonly service: string
  /** Values before and after by dotted path; for a deletion none. */
  readonly fields: Readonly<Record<string, { readonly from: Json; readonly to: Json }>>
}

export interface PlanReport {
  readonly inSync: boolean
  readonly counts: { readonly create: number; readonly update: number; readonly delete: number }
  readonly changes: readonly PlannedChange[]
  /** Fields that somebody edited in Kong and that are left alone. */
  readonly overrides: readonly Override[]
  readonly problems: readonly Problem[]
}

/** What `plan` has to say about a diff. */
export function planReport({ problems }: Pick<Desired, 'problems'>, diff: Diff): PlanReport {
  const changes = orderChanges(diff.changes).flat().map(planned)
  const count = (action: string) => changes.filter((change) => change.action === action).length
  return {
    inSync: changes.length === 0,
    counts: { create: count('create'), update: count('update'), delete: count('delete') },
    changes,
    overrides: diff.overrides,
    problems: [...problems, ...diff.conflicts],
  }
}

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
    report.changes.map((change) => [
      { text: `${signs[change.action]} ${change.action}`, paint: colours[change.action] },
      change.kind,
      change.name || change.id,
      change.service || '-',
      what(change),
    ]),
    { width: width(), heading: paint.bold },
  )
  const { create, update, delete: removed } = report.counts
  const summary = report.inSync
    ? 'Nothing to do: Kong is as Consul says.'
    : `${create} to create, ${update} to update, ${removed} to delete.`
  return [
    ...(report.inSync ? [] : [...table, '']),
    summary,
    ...report.overrides.map(
      ({ kind, name, field, wanted, actual }) =>
        `override: ${kind} ${name} ${field} is ${text(actual)} by hand, Consul says ${text(wanted)}; it is kept`,
    ),
    ...problemLines(report.problems, paint),
  ]
}

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

function planned({ action, entity, before, fields, service }: Change): PlannedChange {
  const valueIn = (of: typeof before, field: string): Json => {
    if (field === 'tags') return of?.tags ?? null
    if (field === 'name') return of?.name ?? null
    return of?.fields[field] ?? null
  }
  return {
    action,
    kind: entity.kind,
    id: entity.id,
    name: entity.name,
    service,
    fields: Object.fromEntries(
      // A creation writes its tags too, which a change does not name among the fields.
      [...new Set([...fields, ...(action === 'create' ? ['tags'] : [])])].map((field) => [
        field,
        { from: valueIn(before, field), to: valueIn(entity, field) },
      ]),
    ),
  }
}

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
