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
  return `${sign} ${what} is no longer served: service ${service}`
}

/** What was done, in the past tense. Pure. */
export function doneLine(change: ConsulChange): string {
  if (change.what === 'settings')
    return `KV ${change.key} ${change.action === 'delete' ? 'deleted' : 'written'}`
  return `${change.id} ${change.action === 'deregister' ? 'deregistered from' : 'registered in'} Consul`
}
