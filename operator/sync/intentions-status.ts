import { type Entity, keyOf } from '../core/entity.ts'
import { isSameFieldValue } from '../core/field-value.ts'
import type { AccessReport } from '../core/intentions/access-report.ts'
import { callerGroup } from '../core/intentions/caller-entities.ts'
import type { Reconciler } from './reconciler.ts'

export interface IntentionsStatus {
  /** Requests that do not pass the gateway are never seen. */
  readonly enforced_at: 'gateway'
  /** What holds where no intention matches, by Consul; null while that is not known. */
  readonly default: 'allow' | 'deny' | null
  /** false while Consul has not said which intentions there are. */
  readonly known: boolean
  /** Services that do not let everybody in, or of which that is not known. Sorted. */
  readonly services: readonly ({ readonly service: string } & AccessReport)[]
}

/** What is looked at of a reconciler. */
export type GateHolder = Pick<
  Reconciler,
  'desired' | 'snapshot' | 'mirror' | 'refusal' | 'isLeftAlone' | 'overrides' | 'problems'
> & {
  readonly queue: Pick<Reconciler['queue'], 'failing'>
  readonly kong: { readonly admin: { readonly url: string } }
}

/**
 * What is told of intentions by the API, `status` and `doctor`. Decided is not enforced: that is what each Kong holds.
 * @param all one for each node without database, or one for a database; the first decides
 */
export function intentionsStatus(all: readonly GateHolder[]): IntentionsStatus {
  const { desired, snapshot } = all[0]!
  const intentions = snapshot?.policies?.intentions
  return {
    enforced_at: 'gateway',
    default: intentions?.byDefault ?? null,
    known: intentions?.accepted != null,
    services: [...(desired.access ?? [])]
      .map(([service, report]) => ({ service, ...asHeld(service, report, all) }))
      .sort((left, right) => (left.service < right.service ? -1 : 1)),
  }
}

function asHeld(service: string, report: AccessReport, all: readonly GateHolder[]): AccessReport {
  if (!report.enforced) return report
  for (const each of all) {
    const note = faultIn(service, report, each)
    if (note === null) continue
    const where = all.length > 1 ? `Kong at ${each.kong.admin.url}` : 'Kong'
    return { ...report, enforced: false, note: `NOT enforced: ${where} ${note}` }
  }
  return report
}

/** What is otherwise in this Kong, and why; null when nothing is. */
function faultIn(service: string, report: AccessReport, holder: GateHolder): string | null {
  const { desired } = holder
  // Whom a service keeps out by name is told by its group.
  const groups = report.lets === 'except' ? report.callers.flatMap((each) => groupOf(each, desired)) : []
  for (const wanted of [...(desired.gates?.get(service) ?? []), ...groups]) {
    const held = holder.mirror.get(keyOf(wanted))
    const what = `${wanted.kind === 'plugin' ? `plugin ${wanted.name}` : `${wanted.kind} ${wanted.name}`} of ${wanted.owner}`
    if (held === undefined) return `has no ${what}: ${reason(wanted, holder)}`
    const field = Object.keys(wanted.fields).find(
      (name) => !isSameFieldValue(name, wanted.fields[name], held.fields[name]),
    )
    if (field !== undefined || held.name !== wanted.name)
      return `has another ${field ?? 'name'} in ${what}: ${reason(wanted, holder)}`
  }
  return null
}

const groupOf = (caller: string, { groups }: Reconciler['desired']): readonly Entity[] =>
  (groups.get(caller) ?? []).filter(({ kind, name }) => kind === 'acl' && name === callerGroup(caller))

const CONFLICTS: ReadonlySet<string> = new Set(['NAME_CONFLICT', 'ID_CONFLICT', 'REMOVED_REPEATEDLY'])

/** Why Kong is not as it should be. */
function reason({ kind, id, name, owner }: Entity, holder: GateHolder): string {
  const override = holder.overrides().find((each) => each.kind === kind && each.id === id)
  if (override !== undefined)
    return `somebody set ${override.field} there, which is kept (kongsul overrides shows it)`
  const isAbout = (message: string) => message.startsWith(`${kind} ${name} `) || message.includes(id)
  const conflict = holder
    .problems()
    .find(({ service, code, message }) => service === owner && CONFLICTS.has(code) && isAbout(message))
  if (conflict !== undefined) return `${conflict.code}, ${conflict.message}`
  if (holder.isLeftAlone(owner)) return `${owner} is paused`
  if (holder.refusal !== null) return `nothing is written, ${holder.refusal}`
  const failing = holder.queue.failing().find(({ service }) => service === owner)
  if (failing !== undefined) return `writing it fails, ${failing.error.message}`
  return 'it is not written yet (kongsul plan shows what waits)'
}
