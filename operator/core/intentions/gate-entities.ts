/** The plugins that let callers of one Kong service in: who they are (jwt, key-auth), and whether they may (acl). */

import type { Entity } from '../entity.ts'
import { entityId, policyPluginId } from '../names.ts'
import { pluginEntity } from '../service-plugins.ts'
import { ANONYMOUS_GROUP, anonymousEntities, anonymousId, callerGroup } from './caller-entities.ts'
import type { Access } from './intention-rules.ts'

export const METHODS = ['jwt', 'key-auth'] as const
export type Method = (typeof METHODS)[number]

/** Plugins that decide about callers; nothing else of ours has these names. */
export const GATE_PLUGINS = [...METHODS, 'acl'] as const

export interface GateOptions {
  /** How callers may show who they are; jwt where none is named. */
  readonly methods: readonly string[]
  /** Callers without identity are let in where only some are denied by name: nothing is enforced then. */
  readonly isAnonymousAllowed: boolean
}

/** A token may not end later than this from now, in seconds. */
const LONGEST_TOKEN_SECONDS = 300

/** Kong refuses an empty list; escaping never makes this name. */
const NOBODY = '_nobody'

/** Nothing for a service that is open to all: it costs nothing then. */
export function gateEntities(
  mesh: string,
  service: string,
  kongService: string,
  access: Access,
  { methods: asked, isAnonymousAllowed }: GateOptions,
): readonly Entity[] {
  if (access.kind === 'open') return []
  const methods = METHODS.filter((each) => asked.includes(each) || (asked.length === 0 && each === 'jwt'))
  const letsAnonymousIn = isAnonymousAllowed && access.kind === 'except'
  // Kong asks the second method only when the first one may fail.
  const isAnonymous = letsAnonymousIn || methods.length > 1
  const refusesAnonymous = isAnonymous && !letsAnonymousIn && access.kind === 'except'
  const groups = access.callers.map(callerGroup)
  if (refusesAnonymous) groups.push(ANONYMOUS_GROUP)
  const anonymous = isAnonymous ? anonymousId(mesh, kongService) : null
  const parent = entityId(mesh, 'service', kongService)
  const plugin = (name: string, config: Entity['fields']): Entity =>
    pluginEntity(mesh, service, parent, policyPluginId(mesh, kongService, name), name, config)
  return [
    ...(isAnonymous
      ? anonymousEntities(mesh, service, kongService, refusesAnonymous ? ANONYMOUS_GROUP : null)
      : []),
    ...methods.map((method) =>
      plugin(method, { ...(method === 'jwt' ? TOKENS : KEYS), 'config.anonymous': anonymous }),
    ),
    plugin('acl', {
      'config.allow': access.kind === 'only' ? (groups.length === 0 ? [NOBODY] : groups) : null,
      'config.deny': access.kind === 'except' ? groups : null,
      'config.hide_groups_header': true,
    }),
  ]
}

const TOKENS: Entity['fields'] = {
  'config.key_claim_name': 'iss',
  'config.claims_to_verify': ['exp'],
  'config.maximum_expiration': LONGEST_TOKEN_SECONDS,
  'config.header_names': ['authorization'],
  // What is in an address is in logs.
  'config.uri_param_names': [],
  'config.cookie_names': [],
  'config.run_on_preflight': true,
}

/** Header of key-auth. */
export const KEY_HEADER = 'x-mesh-key'

const KEYS: Entity['fields'] = {
  'config.key_names': [KEY_HEADER],
  'config.key_in_header': true,
  'config.key_in_query': false,
  'config.key_in_body': false,
  'config.hide_credentials': true,
  'config.run_on_preflight': true,
}
