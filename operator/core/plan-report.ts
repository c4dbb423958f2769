/** What a plan has to say about a diff: the changes in the order in which they would be applied, and what is held. */

import type { Change, Diff, Override } from './diff.ts'
import type { Json } from './entity.ts'
import { maskedValue } from './explain-change.ts'
import type { Hold, HoldKind } from './hold-memory.ts'
import { targetId, upstreamName } from './names.ts'
import { orderChanges } from './plan-order.ts'
import type { Problem } from './problem.ts'

/** One change as `plan -o json` prints it, in the order in which it would be applied. */
export interface PlannedChange {
  readonly action: 'create' | 'update' | 'delete'
  readonly kind: string
  readonly id: string
  readonly name: string
  readonly service: string
  /** Values before and after by dotted path, secrets masked; for a deletion none. */
  readonly fields: Readonly<Record<string, { readonly from: Json; readonly to: Json }>>
}

export interface PlanReport {
  readonly inSync: boolean
  readonly counts: { readonly create: number; readonly update: number; readonly delete: number }
  readonly changes: readonly PlannedChange[]
  /** Fields that somebody edited in Kong and that are left alone. */
  readonly overrides: readonly Override[]
  readonly problems: readonly Problem[]
  /** What waits because too much happened at once: removals, and weights of critical instances. */
  readonly held: readonly HeldChange[]
  /** Kong has no database: fields that differ are put right, whoever set them. */
  readonly dbless: boolean
}

export interface HeldChange {
  readonly hold: HoldKind
  readonly kind: string
  readonly id: string
  readonly name: string
  readonly service: string
  /** RFC 3339 */
  readonly until: string
}

export interface PlannedFrom {
  readonly mesh: string
  readonly problems: readonly Problem[]
  readonly diff: Diff
  readonly holds: readonly Hold[]
  /** Does this change wait for the end of a hold? */
  readonly isHeld: (change: Change) => boolean
  readonly dbless?: boolean
}

export function planReport({ mesh, problems, diff, holds, isHeld, dbless = false }: PlannedFrom): PlanReport {
  const now = diff.changes.filter((change) => !isHeld(change))
  const changes = orderChanges(now).flat().map(planned)
  const count = (action: string) => changes.filter((change) => change.action === action).length
  return {
    inSync: changes.length === 0 && holds.length === 0,
    counts: { create: count('create'), update: count('update'), delete: count('delete') },
    changes,
    overrides: diff.overrides.map((each) => ({
      ...each,
      wanted: maskedValue(each.kind, each.field, each.wanted),
      actual: maskedValue(each.kind, each.field, each.actual),
    })),
    problems: [...problems, ...diff.conflicts],
    dbless,
    held: [
      ...orderChanges(diff.changes.filter(isHeld))
        .flat()
        .map((change) => heldRemoval(change, holds)),
      ...holds.filter(({ kind }) => kind === 'critical').map((hold) => heldWeight(hold, mesh)),
    ],
  }
}

/** Of several nodes: what any of them lacks is to be done. @param plans at least one */
export function joinPlans(plans: readonly PlanReport[]): PlanReport {
  const [first] = plans as [PlanReport]
  if (plans.length === 1) return first
  const changes = unique(
    plans.flatMap((plan) => plan.changes),
    ({ action, kind, id }) => `${action} ${kind}/${id}`,
  )
  const count = (action: string) => changes.filter((change) => change.action === action).length
  return {
    ...first,
    inSync: plans.every(({ inSync }) => inSync),
    counts: { create: count('create'), update: count('update'), delete: count('delete') },
    changes,
    overrides: unique(
      plans.flatMap((plan) => plan.overrides),
      JSON.stringify,
    ),
    problems: unique(
      plans.flatMap((plan) => plan.problems),
      JSON.stringify,
    ),
    held: unique(
      plans.flatMap((plan) => plan.held),
      JSON.stringify,
    ),
  }
}

const unique = <T>(items: readonly T[], keyOf: (item: T) => string): readonly T[] => [
  ...new Map(items.map((item) => [keyOf(item), item])).values(),
]

function heldRemoval({ entity, service }: Change, holds: readonly Hold[]): HeldChange {
  const ends = holds.filter((hold) => hold.kind === 'removal' && hold.service === service)
  const until = iso(Math.max(...ends.map(({ untilMs }) => untilMs)))
  return { hold: 'removal', kind: entity.kind, id: entity.id, name: entity.name, service, until }
}

function heldWeight({ service, target, untilMs }: Hold, mesh: string): HeldChange {
  const id = targetId(mesh, upstreamName(service), target)
  return { hold: 'critical', kind: 'target', id, name: target, service, until: iso(untilMs) }
}

const iso = (ms: number): string => new Date(ms).toISOString()

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
        {
          from: maskedValue(entity.kind, field, valueIn(before, field)),
          to: maskedValue(entity.kind, field, valueIn(entity, field)),
        },
      ]),
    ),
  }
}
