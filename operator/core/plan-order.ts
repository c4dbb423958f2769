/**
 * The order in which changes are safe: whatever an apply is cut off after, Kong goes on serving.
 *
 *   consumers -> their keys and groups -> keys revoked -> gates -> certificates -> their names -> upstream, service
 *   -> targets with weight, plugins
 *   -> services on another upstream -> targets to weight 0 -> targets removed
 *   -> routes wider -> routes narrower -> (removals) routes -> acl -> plugins -> services -> targets -> upstreams -> groups
 *   -> consumers -> names of certificates -> certificates
 *
 * So nothing points at what is not there yet, and a target comes before another goes. Targets of an upstream that
 * stays go before routes change: a route that Kong refuses must not keep traffic on an instance that is gone. Where
 * routes go as well they are first: the upstream may stay for somebody else's sake, with no target of ours.
 * An apply ends at the first step that fails: who is kept out from now on does not wait for what has nothing to do with it.
 */

import type { Change } from './diff.ts'
import type { Entity, Json } from './entity.ts'
import { gateLevel } from './intentions/gate-order.ts'

/** Steps by name, first to last. */
export const LEVELS = [
  'consumers',
  'credentials',
  'credentials revoked',
  'callers told apart',
  'callers judged',
  'callers without identity',
  'certificates',
  'names of certificates',
  'upstreams and services',
  'targets and plugins',
  'services moved',
  'targets emptied',
  'targets left out',
  'routes',
  'routes narrowed',
  'plugins of routes',
  'routes removed',
  'acl removed',
  'plugins removed',
  'services removed',
  'targets removed',
  'upstreams removed',
  'groups removed',
  'consumers removed',
  'names of certificates removed',
  'certificates removed',
] as const

export type Level = (typeof LEVELS)[number]

/** Steps, one after the other; the changes of one step may run in parallel. Empty steps are left out. */
export function orderChanges(changes: readonly Change[]): readonly (readonly Change[])[] {
  const byLevel = new Map<Level, Change[]>(LEVELS.map((level) => [level, []]))
  const upstreamsGone = new Set(changes.filter(removesUpstream).map(({ entity }) => entity.id))
  const unrouted = new Set(changes.filter(removesRoute).map(({ service }) => service))
  for (const change of changes) {
    const level = gateLevel(change, changes) ?? levelOf(change)
    const staysRouted = !upstreamsGone.has(change.entity.parent) && !unrouted.has(change.service)
    const isEarly = level === 'targets removed' && staysRouted
    byLevel.get(isEarly ? 'targets left out' : level)!.push(change)
  }
  return [...byLevel.values()].filter((step) => step.length > 0)
}

/** Of a change by itself; plugins that decide about callers may have to come sooner. */
export function levelOf(change: Change): Level {
  const { action, entity } = change
  if (action === 'delete') return isAcl(entity) ? 'acl removed' : REMOVALS[entity.kind]
  switch (entity.kind) {
    case 'consumer':
      return 'consumers'
    case 'jwt_secret':
    case 'keyauth_credential':
    case 'acl':
      return 'credentials'
    case 'certificate':
    case 'ca_certificate':
      return 'certificates'
    case 'sni':
      return 'names of certificates'
    case 'upstream':
      return 'upstreams and services'
    case 'service':
      return action === 'update' && change.fields.includes('host')
        ? 'services moved'
        : 'upstreams and services'
    case 'target':
      return isEmptied(change) ? 'targets emptied' : 'targets and plugins'
    case 'plugin':
      return entity.fields.route ? 'plugins of routes' : 'targets and plugins'
    case 'route':
      return isNarrowed(change) ? 'routes narrowed' : 'routes'
  }
}

const REMOVALS: Readonly<Record<Entity['kind'], Level>> = {
  route: 'routes removed',
  plugin: 'plugins removed',
  service: 'services removed',
  target: 'targets removed',
  upstream: 'upstreams removed',
  jwt_secret: 'credentials revoked',
  keyauth_credential: 'credentials revoked',
  acl: 'groups removed',
  consumer: 'consumers removed',
  sni: 'names of certificates removed',
  certificate: 'certificates removed',
  ca_certificate: 'certificates removed',
}

const isAcl = ({ kind, name }: Entity): boolean => kind === 'plugin' && name === 'acl'

const removesUpstream = ({ action, entity }: Change): boolean =>
  action === 'delete' && entity.kind === 'upstream'

const removesRoute = ({ action, entity }: Change): boolean => action === 'delete' && entity.kind === 'route'

const isEmptied = ({ action, entity, fields }: Change): boolean =>
  action === 'update' && fields.includes('weight') && entity.fields.weight === 0

/** It stops matching something that it matched: what now goes elsewhere must be matched there first. */
function isNarrowed({ action, entity, before, fields }: Change): boolean {
  if (action !== 'update' || before === null) return false
  return MATCHERS.some(
    (field) => fields.includes(field) && !covers(entity.fields[field], before.fields[field]),
  )
}

const MATCHERS = ['hosts', 'paths', 'methods', 'headers', 'service']

/** null matches anything; anything but a list is wholly replaced. */
function covers(after: Json | undefined, before: Json | undefined): boolean {
  if (after === null || after === undefined) return true
  if (!Array.isArray(after) || !Array.isArray(before)) return false
  return before.every((item) => after.includes(item))
}
