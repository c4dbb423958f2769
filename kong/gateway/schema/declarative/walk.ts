/** Every entity of a declarative configuration, with the place it stands in. */

import type { Collection } from '../entities/entity-definition.ts'
import { REFERENCES, type Schemas } from '../schemas.ts'
import { isTable, type ObjectValue, own } from '../table.ts'
import { DECLARATIVE_ORDER } from './declarative-schema.ts'

export interface Place {
  readonly collection: Collection
  readonly item: ObjectValue
  /** 1-based, in the list it stands in. */
  readonly position: number
  readonly parent?: Place
  /** The field that refers to the parent. */
  readonly field?: string
}

/** What a list below an entity may not be, because the entity has a field of that name. */
export type Hides = (schemas: Schemas, parent: Collection, child: Collection) => boolean

export interface Visitor {
  readonly hides: Hides
  enter?(place: Place): void
  /** After everything below it. */
  leave?(place: Place): void
}

export function walk(schemas: Schemas, input: ObjectValue, visitor: Visitor, parent?: Place): void {
  for (const collection of DECLARATIVE_ORDER) {
    const list = own(input, collection)
    if (!Array.isArray(list)) continue
    const field = parent && REFERENCES.find(isBetween(collection, parent.collection))?.field
    if (parent && (field === undefined || visitor.hides(schemas, parent.collection, collection))) continue
    for (const [index, item] of list.entries()) {
      if (!isTable(item) || Array.isArray(item)) continue
      const place: Place = {
        collection,
        item,
        position: index + 1,
        ...(parent && field !== undefined ? { parent, field } : {}),
      }
      visitor.enter?.(place)
      walk(schemas, item, visitor, place)
      visitor.leave?.(place)
    }
  }
}

const isBetween = (child: Collection, parent: Collection) => (reference: (typeof REFERENCES)[number]) =>
  reference.collection === child && reference.parent === parent
