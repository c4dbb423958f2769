/** Which services a refused `POST /config` is about, from what Kong answers. */

import type { Json } from './entity.ts'
import type { JsonObject } from './kong-json.ts'
import { ownerOf } from './tags.ts'

/** What Kong has against the configuration, in words, by the service whose entity it names; '' for entities of others. */
export type Refusals = ReadonlyMap<string, string>

/**
 * Of an answer to `POST /config?flatten_errors=1`: each entity with its tags. A reference to what is not there is not
 * in that list; the answer without `flatten_errors` names it, see `unflattenedRefusals`.
 */
export function flattenedRefusals(answer: Json | undefined): Refusals {
  const found = new Map<string, string>()
  const list = isObject(answer) && Array.isArray(answer.flattened_errors) ? answer.flattened_errors : []
  for (const item of list as readonly Json[]) {
    if (!isObject(item)) continue
    const { entity_type: type, entity_name: name, entity_id: id, entity_tags: tags, errors } = item
    const texts = (Array.isArray(errors) ? (errors as readonly Json[]) : []).filter(isObject)
    const said = texts.map(({ field, message }) =>
      field ? `${text(field)}: ${text(message)}` : text(message),
    )
    const owner = Array.isArray(tags) ? ownerOf((tags as readonly Json[]).map(text)) : ''
    note(found, owner, `${text(type)} ${text(name ?? id ?? '')} ${said.join(', ')}`.trim())
  }
  return found
}

/**
 * Of an answer to a plain `POST /config`: `fields` by collection and by name or id.
 * @param document what was posted, to find whose entity it is
 */
export function unflattenedRefusals(answer: Json | undefined, document: JsonObject): Refusals {
  const found = new Map<string, string>()
  const fields = isObject(answer) && isObject(answer.fields) ? answer.fields : {}
  for (const [collection, byName] of Object.entries(fields)) {
    if (!isObject(byName)) continue
    const rows = Array.isArray(document[collection]) ? (document[collection] as readonly Json[]) : []
    for (const [name, said] of Object.entries(byName)) {
      const row = rows.find(
        (each) => isObject(each) && [each.name, each.id, each.target].some((known) => known === name),
      )
      const tags = isObject(row) && Array.isArray(row.tags) ? (row.tags as readonly Json[]).map(text) : []
      note(found, ownerOf(tags), `${collection} ${name} ${JSON.stringify(said)}`)
    }
  }
  return found
}

function note(found: Map<string, string>, owner: string, said: string): void {
  const before = found.get(owner)
  found.set(owner, before === undefined ? said : `${before}; ${said}`)
}

const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const text = (value: Json | undefined): string =>
  typeof value === 'string' ? value : JSON.stringify(value ?? '')
