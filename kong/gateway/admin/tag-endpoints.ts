/** /tags: which entities have which tags. */

import { uniqueInvalid } from '../schema/kong-error.ts'
import { COLLECTIONS } from '../schema/schemas.ts'
import type { Value } from '../schema/table.ts'
import { TAG } from '../schema/typedefs/names.ts'
import { fieldError } from '../schema/validate.ts'
import { type Answer, ok, refuse } from './answer.ts'
import { checksOf, type Database } from './database.ts'
import { encodeOffset, offsetValues, pageBody, repeatedArguments, sizeOfPage } from './page.ts'
import { type AdminRequest, param } from './request.ts'
import type { Endpoint } from './routing.ts'

interface Tagging {
  readonly tag: string
  readonly entity_name: string
  readonly entity_id: string
  /** Position of the tag at its entity. */
  readonly ordinality: number
}

export function tagEndpoints(db: Database): Endpoint[] {
  const answer = (request: AdminRequest, taggings: Tagging[], path: string, again = ''): Answer => {
    const size = sizeOfPage(request)
    const [afterId = '', afterOrdinality = 0] = offsetValues(request) as [string?, number?]
    const isLater = ({ entity_id: id, ordinality }: Tagging): boolean =>
      id > afterId || (id === afterId && ordinality > afterOrdinality)
    const later = taggings
      .filter(isLater)
      .sort((a, b) =>
        a.entity_id === b.entity_id ? a.ordinality - b.ordinality : a.entity_id < b.entity_id ? -1 : 1,
      )
    const rows = later.slice(0, size).map(({ ordinality, ...row }) => row)
    const last = later[size - 1]
    if (later.length <= size || !last) return ok(pageBody({ rows }, path))
    const position: Value[] = [last.entity_id, last.ordinality]
    return ok(pageBody({ rows, offset: encodeOffset(position) }, path, again))
  }
  return [
    {
      path: '/tags',
      methods: { GET: (request) => answer(request, allTaggings(db), '/tags', repeatedArguments(request)) },
    },
    {
      path: '/tags/{tags}',
      methods: {
        GET: (request) => {
          const tag = param(request, 'tags')
          const error = fieldError(TAG, tag, checksOf(db, false))
          if (error !== undefined) refuse(uniqueInvalid('tag', String(error)))
          return answer(request, taggingsOf(db, tag), `/tags/${request.params['tags']}`)
        },
      },
    },
  ]
}

function allTaggings(db: Database): Tagging[] {
  const taggings: Tagging[] = []
  for (const collection of COLLECTIONS) {
    for (const row of db.store.all(collection)) {
      for (const [index, tag] of (row.tags ?? []).entries()) {
        taggings.push({ tag, entity_name: collection, entity_id: row.id, ordinality: index + 1 })
      }
    }
  }
  return taggings
}

const taggingsOf = (db: Database, tag: string): Tagging[] =>
  COLLECTIONS.flatMap((collection) =>
    [...db.store.tagged(collection, tag)].map(({ id }) => ({
      tag,
      entity_name: collection,
      entity_id: id,
      ordinality: 1,
    })),
  )
