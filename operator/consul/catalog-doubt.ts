/** Answers that are whole and still not to be believed: what they lack was taken from our token, or not there yet. */

import { ConsulError } from './consul-error.ts'

/** The service that every server registers itself as. */
export const CONSUL = 'consul'

/** Every server registers itself; without it this is a server that has just begun, or a token that sees nothing. */
export function requireConsul(services: Readonly<Record<string, readonly string[]>>): void {
  if (services[CONSUL] !== undefined) return
  const message =
    'the catalog does not even have the service "consul": Consul has just begun, or the token lacks service_prefix "" read or node_prefix "" read'
  throw new ConsulError('CONSUL_NOT_READY', 'catalog.service.list', message)
}

/** What vanishes in the moment in which the token begins to see only a part was taken from the token, not from Consul. */
export function requireAll(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): void {
  const [hidden, ...more] = [...before.keys()].filter((name) => !after.has(name))
  if (hidden === undefined) return
  const which = more.length === 0 ? hidden : `${hidden} and ${more.length} more`
  const message = `the token sees ${which} no more: it lacks service_prefix "" read, or "service ${hidden}" read`
  throw new ConsulError('CONSUL_DENIED', 'catalog.service.list', message)
}

/** In the list of names, and nothing is shown of it. */
export const hiddenService = (name: string): ConsulError =>
  new ConsulError(
    'CONSUL_DENIED',
    'health.service',
    `health.service: ${name} is in the catalog without an instance; the token may lack service "${name}" read or node_prefix "" read`,
  )

/** Not in the list of names, and the question about it is refused: nobody can say that it is gone. */
export const deniedService = (name: string): ConsulError =>
  new ConsulError(
    'CONSUL_DENIED',
    'health.service',
    `health.service: ${name} is not listed, and the token may not read it: it needs service "${name}" read`,
  )

/** Names can be read without a right to nodes, instances cannot. */
export const hiddenNodes = (): ConsulError =>
  new ConsulError(
    'CONSUL_DENIED',
    'health.service',
    'health.service: services are listed and no instance of them is shown, not even of Consul itself: the token needs node_prefix "" read',
  )
