/** All entities by id and name; who refers to whom, and to whom in vain. */

import type { Collection } from '../entities/entity-definition.ts'
import type { FieldErrors } from '../field-errors.ts'
import { ENTITIES } from '../schemas.ts'
import { isTable, type ObjectValue, own, setOwn, type TableKey, type Value } from '../table.ts'
import type { DeclarativeSchema } from './declarative-schema.ts'
import { type Hides, type Place, walk } from './walk.ts'

export class References {
  readonly errors: FieldErrors | undefined
  readonly #byId = new Map<Collection, Map<string, ObjectValue>>()
  readonly #byName = new Map<string, ObjectValue>()
  readonly #schema: DeclarativeSchema
  readonly #wanted: Wanted[] = []
  readonly #errors: FieldErrors = new Map()

  /** @param input filled in; entities below others get the reference to their parent. */
  constructor(schema: DeclarativeSchema, input: ObjectValue) {
    this.#schema = schema
    walk(schema.entities, input, { hides: HIDDEN_BY_STORED_FIELD, leave: (place) => this.#add(place) })
    for (const wanted of this.#wanted) this.#resolve(wanted)
    this.errors = this.#errors.size > 0 ? this.#errors : undefined
  }

  rowsOf(collection: Collection): ReadonlyMap<string, ObjectValue> {
    return this.#byId.get(collection) ?? new Map()
  }

  keyOf(collection: Collection, reference: string): ObjectValue {
    return { id: own(this.#find(collection, reference), 'id') ?? null }
  }

  #find(collection: Collection, reference: string): ObjectValue | undefined {
    return this.#byName.get(`${collection} ${reference}`) ?? this.#byId.get(collection)?.get(reference)
  }

  #add(place: Place): void {
    const { collection, item, parent, field } = place
    const id = String(own(item, 'id'))
    const endpointKey = ENTITIES[collection].endpointKey
    const isUnique =
      endpointKey !== undefined && this.#schema.entities[collection].fields.get(endpointKey)?.unique
    const name = isUnique ? own(item, endpointKey) : undefined
    let isRefused = false
    if (typeof name === 'string') {
      if (this.#byName.has(`${collection} ${name}`)) {
        isRefused = true
        // Kong files this under the place in its own list, wherever that list stands.
        setError(this.#errors, [collection, place.position], violation(collection, endpointKey ?? '', name))
      } else this.#byName.set(`${collection} ${name}`, item)
    }
    const rows = this.#byId.get(collection) ?? new Map<string, ObjectValue>()
    this.#byId.set(collection, rows)
    if (!isRefused && rows.has(id)) {
      const path: TableKey[] = parent ? [parent.collection, parent.position, collection] : [collection]
      setError(this.#errors, [...path, place.position], violation(collection, 'primary key', id))
    } else rows.set(id, item)
    const at = typeof name === 'string' ? name : id
    for (const [key, definition] of this.#schema.entities[collection].fields) {
      const value = own(item, key)
      if (definition.type !== 'foreign' || value === null || value === undefined) continue
      this.#wanted.push({ collection, at, key, value, parent: definition.reference as Collection })
    }
    if (parent && field !== undefined) setOwn(item, field, { id: own(parent.item, 'id') ?? null })
  }

  #resolve({ collection, at, key, value, parent }: Wanted): void {
    const reference = isTable(value) ? own(value, 'id') : value
    if (typeof reference === 'string' && this.#find(parent, reference)) return
    const shown = typeof value === 'string' ? value : JSON.stringify(value)
    const text = `invalid reference '${key}: ${shown}' (no such entry in '${parent}')`
    const section = this.#errors.get(collection)
    const list = section instanceof Map ? section.get(at) : undefined
    setError(this.#errors, [collection, at, list instanceof Map ? list.size + 1 : 1], text)
  }
}

interface Wanted {
  readonly collection: Collection
  readonly at: string
  readonly key: string
  readonly value: Value
  readonly parent: Collection
}

/** Unlike for ids, a field that is not stored hides nothing: certificates list their names as entities here. */
const HIDDEN_BY_STORED_FIELD: Hides = (schemas, parent, child) => {
  const field = schemas[parent].fields.get(child)
  return field !== undefined && !field.transient
}

const violation = (collection: Collection, field: string, value: string): string =>
  `uniqueness violation: '${collection}' entity with ${field} set to '${value}' already declared`

function setError(errors: FieldErrors, path: readonly TableKey[], text: string): void {
  let at = errors
  for (const key of path.slice(0, -1)) {
    let next = at.get(key)
    if (!(next instanceof Map)) {
      next = new Map()
      at.set(key, next)
    }
    at = next
  }
  at.set(path.at(-1) as TableKey, text)
}
