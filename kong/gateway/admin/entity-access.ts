/** Reads and writes of one collection, with what Kong does differently for some of them. */

import type { ObjectValue } from '../schema/table.ts'
import type { Collection, Row } from '../store.ts'
import { accessToAuthorities, accessToCertificates } from './certificate-access.ts'
import { type Database, insert, type Key, remove, select, update, upsert } from './database.ts'
import { accessToPlugins } from './plugin-access.ts'
import { accessToTargets } from './target-access.ts'

export interface EntityAccess {
  select(key: Key): Row | undefined
  insert(input: ObjectValue): Row
  update(key: Key, input: ObjectValue): Row
  upsert(key: Key, input: ObjectValue): Row
  /** Removing what is not there is no error. */
  remove(key: Key): void
  /** The row with what answers add to it. */
  show(row: Row): object
  /** The same where the row is reached through one that refers to it. */
  showAsParent(row: Row): object
}

export function accessTo(db: Database, collection: Collection): EntityAccess {
  const access: EntityAccess = {
    select: (key) => select(db, collection, key),
    insert: (input) => insert(db, collection, input),
    update: (key, input) => update(db, collection, key, input),
    upsert: (key, input) => upsert(db, collection, key, input),
    remove: (key) => {
      const row = select(db, collection, key)
      if (row) remove(db, collection, row, key)
    },
    show: (row) => row,
    showAsParent: (row) => row,
  }
  switch (collection) {
    case 'targets':
      return accessToTargets(access)
    case 'plugins':
      return accessToPlugins(db, access)
    case 'certificates':
      return accessToCertificates(db, access)
    case 'ca_certificates':
      return accessToAuthorities(db, access)
    default:
      return access
  }
}
