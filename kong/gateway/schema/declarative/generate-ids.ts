/** Ids for entities without one, made from their names and places; some can have none until they are stored. */

import type { Collection } from '../entities/entity-definition.ts'
import { ENTITIES } from '../schemas.ts'
import { type ObjectValue, own, setOwn } from '../table.ts'
import type { DeclarativeSchema } from './declarative-schema.ts'
import { deterministicId } from './deterministic-id.ts'
import { type Hides, type Place, walk } from './walk.ts'

/** Lists hidden by any field of the parent: the names of a certificate. */
export const HIDDEN_BY_FIELD: Hides = (schemas, parent, child) => schemas[parent].fields.has(child)

export function generateIds({ entities }: DeclarativeSchema, input: ObjectValue): void {
  walk(entities, input, {
    hides: HIDDEN_BY_FIELD,
    enter: (place) => {
      const key = keyForId(place)
      if (key !== undefined) setOwn(place.item, 'id', deterministicId(place.collection, key))
    },
  })
}

/** A name that is no text: nothing can be made from it, and children cannot refer to it. */
export function isUnusableName({ collection, item }: Place): boolean {
  const name = ENTITIES[collection].endpointKey
  const value = name === undefined || CACHE_KEYS[collection] ? undefined : own(item, name)
  return value !== undefined && typeof value !== 'string'
}

/** What the id is made from; undefined when there is an id, or nothing that is sure to be unique. */
export function keyForId({ collection, item, parent, field }: Place): string | undefined {
  if (own(item, 'id') !== undefined) return undefined
  const cacheKey = CACHE_KEYS[collection]
  if (cacheKey === 'none') return undefined
  if (!cacheKey) {
    const name = ENTITIES[collection].endpointKey
    const value = name === undefined ? undefined : own(item, name)
    return typeof value === 'string' ? value : undefined
  }
  const parts = [collection, '*']
  for (const name of cacheKey) {
    const value = own(item, name)
    if (typeof value === 'string') parts.push(value)
    else if (value !== undefined) continue
    else if (name === field) {
      const id = own(parent?.item, 'id')
      if (typeof id !== 'string') return undefined
      parts.push(id)
    } else if (REQUIRED[collection]?.includes(name)) return undefined
    else parts.push('')
  }
  return parts.join(':')
}

/** The fields that tell an entity from others where its name does not; credentials may have keys made later. */
const CACHE_KEYS: Partial<Record<Collection, readonly string[] | 'none'>> = {
  plugins: ['name', 'route', 'service', 'consumer'],
  targets: ['upstream', 'target'],
  acls: ['consumer', 'group'],
  keyauth_credentials: 'none',
  jwt_secrets: 'none',
}

const REQUIRED: Partial<Record<Collection, readonly string[]>> = {
  plugins: ['name'],
  targets: ['upstream', 'target'],
  acls: ['consumer', 'group'],
}
