import type { PlannedChange } from '../../core/plan-report.ts'
import { counted } from '../counted.ts'
import type { ConsulChange } from './consul-changes.ts'
import type { ReachChange } from './reach-changes.ts'

const SIGNS = {
  register: '+',
  write: '+',
  update: '~',
  replace: '~',
  deregister: '-',
  delete: '-',
  opens: '+',
  moves: '~',
  closes: '-',
  stays: '=',
} as const

/** One line for each thing that a run would do. Pure. */
export function changeLine(change: ConsulChange): string {
  const sign = SIGNS[change.action]
  if (change.what === 'settings') return `${sign} ${change.action} KV ${change.key}`
  const { action, id, service, registration, note } = change
  const where = `${registration.Address}:${registration.Port}`
  return `${sign} ${action} ${id} (${service}, ${where})${note === '' ? '' : `: ${note}`}`
}

/** One line for each host and path that is reached otherwise. Pure. */
export function reachLine({ action, what, service, from }: ReachChange): string {
  const sign = SIGNS[action]
  if (action === 'opens') return `${sign} ${what} becomes reachable: service ${service}`
  if (action === 'moves') return `${sign} ${what} changes owner: from ${from} to service ${service}`
  if (action === 'stays') return `${sign} ${what} stays with ${from}, which goes before service ${service}`
  return `${sign} ${what} is no longer served: service ${service}`
}

const NAMES_SHOWN = 10

/** One line for all that this command would write to Kong itself, where nobody leads. Pure. */
export function writesLine(writes: readonly Pick<PlannedChange, 'service'>[]): string {
  const names = [...new Set(writes.map(({ service }) => service))].sort()
  const more = names.length > NAMES_SHOWN ? ` and ${names.length - NAMES_SHOWN} more` : ''
  return (
    `~ no operator leads, so this command writes to Kong: ${counted(writes.length, 'change')} of ` +
    `${counted(names.length, 'service')} (${names.slice(0, NAMES_SHOWN).join(', ')}${more})`
  )
}

/** Of one that was begun and may have failed. Pure. */
export function begunLine(change: ConsulChange): string {
  return change.what === 'settings'
    ? `KV ${change.key} may be ${change.action === 'delete' ? 'deleted' : 'written'}`
    : `${change.id} may be ${change.action === 'deregister' ? 'deregistered from' : 'registered in'} Consul`
}

/** What was done, in the past tense. Pure. */
export function doneLine(change: ConsulChange): string {
  if (change.what === 'settings')
    return `KV ${change.key} ${change.action === 'delete' ? 'deleted' : 'written'}`
  return `${change.id} ${change.action === 'deregister' ? 'deregistered from' : 'registered in'} Consul`
}
