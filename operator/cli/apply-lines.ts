import type { ApplyResult } from '../sync/apply-now.ts'
import type { ChangedEntity } from '../sync/change-log.ts'
import { counted } from './counted.ts'

/** What `apply` prints for people. */
export function applyLines({ service, changes, pending, paused }: ApplyResult): string[] {
  const lines = changes.toReversed().flatMap(({ service: of, result, error, diff, duration }) => {
    const done = `${counted(diff.length, 'change')} in ${duration} ms`
    return [`${of}: ${result === 'applied' ? done : error}`, ...diff.map(entityLine)]
  })
  const waiting = pending.filter((each) => !paused.includes(each))
  if (waiting.length > 0) lines.push(`Not in Kong yet: ${waiting.join(', ')}. See kongsul status.`)
  if (paused.length > 0) {
    const how = 'kongsul status says who paused it, kongsul resume ends it'
    lines.push(`Paused, so not in Kong yet: ${paused.join(', ')}. ${how}.`)
  }
  if (pending.length > 0) return lines
  const what = service ?? 'Kong'
  return [
    ...lines,
    lines.length === 0 ? `Nothing to do: ${what} is as Consul says.` : `${what} is as Consul says.`,
  ]
}

function entityLine({ action, kind, name, fields }: ChangedEntity): string {
  const head = `  ${action} ${kind} ${name}`
  return action === 'update' ? `${head}: ${fields.map(({ field }) => field).join(', ')}` : head
}
