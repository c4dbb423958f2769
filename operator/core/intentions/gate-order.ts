/**
 * When the plugins that decide about callers change: at no moment may a caller get in that neither the old nor the new
 * decision lets in, and nobody is refused whom both let in. acl alone refuses everybody; jwt or key-auth with `anonymous`
 * alone refuses nobody. They come before what may fail, so that a caller who is denied does not wait for it.
 */

import type { Change, Override } from '../diff.ts'
import type { Entity, Json } from '../entity.ts'
import { ANONYMOUS_GROUP } from './caller-entities.ts'
import { METHODS } from './gate-entities.ts'

export type GateLevel = 'callers told apart' | 'callers judged' | 'callers without identity'

/** @returns null for what may go with the other plugins of its service: also where acl only lets more callers in */
export function gateLevel(change: Change, among: readonly Change[]): GateLevel | null {
  const { action, entity, fields, before } = change
  if (action === 'delete' || entity.kind !== 'plugin' || entity.fields.route) return null
  if (among.some((each) => creates(each, 'service') && each.entity.id === entity.parent)) return null
  if (entity.name === 'acl') {
    const isJudging = action === 'create' || ACL_LISTS.some((field) => fields.includes(field))
    return isJudging && !isLoosened(entity, before) ? 'callers judged' : null
  }
  if (!isMethod(entity)) return null
  if (action === 'update' && !fields.includes(ANONYMOUS)) return null
  // Where acl is made as well nobody is kept out yet, and acl alone would keep everybody out.
  const isFirst = among.some(
    (each) => creates(each, 'plugin') && each.entity.name === 'acl' && each.entity.parent === entity.parent,
  )
  const isClosed = !entity.fields[ANONYMOUS]
  return isClosed || (isFirst && action === 'create') ? 'callers told apart' : 'callers without identity'
}

/**
 * Without the changes after which callers without identity would get in because somebody has taken them off the list of
 * acl. A plugin that is not changed refuses them itself.
 */
export function withoutOpenedGates(
  changes: readonly Change[],
  overrides: readonly Override[],
  placeOf: (override: Override) => string,
): readonly Change[] {
  const open = new Set(overrides.filter(letsAnonymousIn).map(placeOf))
  if (open.size === 0) return changes
  return changes.filter(({ action, entity, fields }) => {
    const isOpening = action !== 'delete' && isMethod(entity) && fields.includes(ANONYMOUS)
    return !(isOpening && entity.fields[ANONYMOUS] && open.has(entity.parent))
  })
}

const ANONYMOUS = 'config.anonymous'
const ACL_LISTS = ['config.allow', 'config.deny']

const letsAnonymousIn = ({ kind, name, field, wanted, actual }: Override): boolean =>
  kind === 'plugin' && name === 'acl' && field === 'config.deny' && names(wanted) && !names(actual)

const names = (list: Json): boolean => Array.isArray(list) && list.includes(ANONYMOUS_GROUP)

const isMethod = ({ kind, name }: Entity): boolean =>
  kind === 'plugin' && (METHODS as readonly string[]).includes(name)

const creates = ({ action, entity }: Change, kind: Entity['kind']): boolean =>
  action === 'create' && entity.kind === kind

/** Nobody is refused who got in before. */
function isLoosened({ fields: after }: Entity, before: Entity | null): boolean {
  if (before === null) return false
  const listsOf = (fields: Entity['fields']) => [fields['config.allow'], fields['config.deny']] as const
  const [[allow, deny], [allowed, denied]] = [listsOf(after), listsOf(before.fields)]
  return contains(allow, allowed) && contains(denied, deny)
}

/** null is no list at all: equal to null, and to nothing else. */
function contains(more: Json | undefined, less: Json | undefined): boolean {
  if (!Array.isArray(more) || !Array.isArray(less)) return (more ?? null) === null && (less ?? null) === null
  return less.every((item) => more.includes(item))
}
