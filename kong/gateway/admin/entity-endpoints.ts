/**
 * The endpoints every collection has: its list, its rows, the rows it refers to (/routes/{r}/service) and the rows
 * that refer to it (/services/{s}/routes).
 */

import { randomUUID } from 'node:crypto'
import { ENTITIES, REFERENCES, type Reference } from '../schema/schemas.ts'
import { setOwn } from '../schema/table.ts'
import type { Collection, Row } from '../store.ts'
import { type Answer, created, methodNotAllowed, noContent, notFound, ok, Refusal } from './answer.ts'
import { type Database, type Key, keyOf } from './database.ts'
import { accessTo, type EntityAccess } from './entity-access.ts'
import { filteredRows, listArguments, pageBody, repeatedArguments, takePage } from './page.ts'
import { type AdminRequest, inputOf, param } from './request.ts'
import type { Endpoint, Handler } from './routing.ts'

/** How a request names a row of a collection. */
export type Finder = (request: AdminRequest) => Key

export interface Entities {
  readonly db: Database
  readonly access: Readonly<Record<Collection, EntityAccess>>
  /** Finds the row that a path's placeholder of this collection stands for. */
  readonly keys: Readonly<Record<Collection, Finder>>
}

export const pathOf = (collection: Collection): string => ENTITIES[collection].pathName ?? collection

export function makeEntities(db: Database): Entities {
  const each = <T>(make: (collection: Collection) => T): Record<Collection, T> =>
    Object.fromEntries(
      (Object.keys(ENTITIES) as Collection[]).map((collection) => [collection, make(collection)]),
    ) as Record<Collection, T>
  return {
    db,
    access: each((collection) => accessTo(db, collection)),
    keys: each((collection) => (request) => keyOf(db, collection, param(request, collection))),
  }
}

export function entityEndpoints(entities: Entities): Endpoint[] {
  const collections = Object.keys(ENTITIES) as Collection[]
  return [
    ...collections.flatMap((collection) => [
      { path: `/${pathOf(collection)}`, methods: listMethods(entities, collection) },
      { path: `/${pathOf(collection)}/{${collection}}`, methods: rowMethods(entities, collection) },
    ]),
    ...REFERENCES.flatMap((reference) => {
      const { collection, field, parent } = reference
      const nested = ENTITIES[collection].nestedPathName ?? pathOf(collection)
      const below = `/${pathOf(parent)}/{${parent}}/${nested}`
      return [
        {
          path: `/${pathOf(collection)}/{${collection}}/${field}`,
          methods: parentMethods(entities, reference),
        },
        { path: below, methods: childListMethods(entities, reference) },
        { path: `${below}/{${collection}}`, methods: childMethods(entities, reference) },
      ]
    }),
  ]
}

type Methods = Readonly<Record<string, Handler>>

function listMethods({ db, access }: Entities, collection: Collection): Methods {
  const of = access[collection]
  return {
    GET: (request) => {
      const { size, filter, after } = listArguments(request)
      const page = takePage(filteredRows(db.store, collection, filter, after), size)
      const rows = page.rows.map(of.show)
      return ok(pageBody({ ...page, rows }, `/${pathOf(collection)}`, repeatedArguments(request)))
    },
    POST: (request) => created(of.show(of.insert(inputOf(db, request, collection)))),
  }
}

function rowMethods({ db, access, keys }: Entities, collection: Collection): Methods {
  const of = access[collection]
  return {
    GET: (request) => shown(of, of.select(keys[collection](request))),
    PUT: (request) => {
      const key = keys[collection](request)
      return ok(of.show(of.upsert(key, inputOf(db, request, collection))))
    },
    PATCH: (request) => {
      const key = keys[collection](request)
      return ok(of.show(of.update(key, patchOf(db, of, request, collection, key))))
    },
    DELETE: (request) => {
      of.remove(keys[collection](request))
      return noContent()
    },
  }
}

/** A form that changes a plugin needs to know which plugin, to read its configuration. */
function patchOf(db: Database, of: EntityAccess, request: AdminRequest, collection: Collection, key: Key) {
  const name = collection === 'plugins' && request.body.form ? of.select(key)?.['name'] : undefined
  return inputOf(db, request, collection, typeof name === 'string' ? { name } : {})
}

const shown = (of: EntityAccess, row: Row | undefined): Answer => (row ? ok(of.show(row)) : notFound())

const found = (row: Row | undefined): Row => {
  if (row) return row
  throw new Refusal(notFound())
}

/** /routes/{route}/service: the row another one refers to. */
function parentMethods({ db, access, keys }: Entities, { collection, field, parent }: Reference): Methods {
  const of = access[parent]
  const child = (request: AdminRequest): Row => found(access[collection].select(keys[collection](request)))
  const idOf = (row: Row): string | undefined => (row[field] as { id: string } | null)?.id
  const parentKey = (request: AdminRequest): Key => {
    const id = idOf(child(request))
    if (id === undefined) throw new Refusal(notFound())
    return { id }
  }
  return {
    GET: (request) => ok(of.showAsParent(found(of.select(parentKey(request))))),
    PUT: (request) => {
      const row = child(request)
      const id = idOf(row)
      const written = of.upsert({ id: id ?? randomUUID() }, inputOf(db, request, parent))
      if (id === undefined) access[collection].update({ id: row.id }, { [field]: { id: written.id } })
      return ok(of.show(written))
    },
    PATCH: (request) => {
      const key = parentKey(request)
      return ok(of.show(of.update(key, inputOf(db, request, parent))))
    },
    DELETE: (request) => {
      parentKey(request)
      return methodNotAllowed()
    },
  }
}

/** /services/{service}/routes: rows that refer to this one. */
function childListMethods({ db, access, keys }: Entities, { collection, field, parent }: Reference): Methods {
  const of = access[collection]
  const owner = (request: AdminRequest): Row => found(access[parent].select(keys[parent](request)))
  const nested = ENTITIES[collection].nestedPathName ?? pathOf(collection)
  return {
    GET: (request) => {
      const { id } = owner(request)
      const { size, after } = listArguments(request) // tags are judged, but such lists are not filtered
      const page = takePage(db.store.children(collection, field, id, after), size)
      const path = `/${pathOf(parent)}/${request.params[parent]}/${nested}`
      return ok(pageBody({ ...page, rows: page.rows.map(of.show) }, path))
    },
    POST: (request) => {
      const input = inputOf(db, request, collection)
      setOwn(input, field, { id: owner(request).id })
      return created(of.show(of.insert(input)))
    },
  }
}

/** /services/{service}/routes/{route}: one of them; one of another service is not found here. */
function childMethods({ db, access, keys }: Entities, { collection, field, parent }: Reference): Methods {
  const of = access[collection]
  const owner = (request: AdminRequest): Row => found(access[parent].select(keys[parent](request)))
  const child = (request: AdminRequest, ownerId: string): Row => {
    const row = found(of.select(keys[collection](request)))
    if ((row[field] as { id: string } | null)?.id !== ownerId) throw new Refusal(notFound())
    return row
  }
  return {
    GET: (request) => ok(of.show(child(request, owner(request).id))),
    PUT: (request) => {
      const { id } = owner(request)
      const input = inputOf(db, request, collection)
      setOwn(input, field, { id })
      return ok(of.show(of.upsert(keys[collection](request), input)))
    },
    PATCH: (request) => {
      const { id } = owner(request)
      child(request, id)
      const key = keys[collection](request)
      const input = patchOf(db, of, request, collection, key)
      if (!Object.hasOwn(input, field)) setOwn(input, field, { id })
      return ok(of.show(of.update(key, input)))
    },
    DELETE: (request) => {
      child(request, owner(request).id)
      of.remove(keys[collection](request))
      return noContent()
    },
  }
}
