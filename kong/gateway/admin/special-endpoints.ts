/** Endpoints that Kong changes or switches off: certificates by name, groups by name, consumers by custom_id. */

import { randomUUID } from 'node:crypto'
import { uniqueInvalid } from '../schema/kong-error.ts'
import { own, setOwn, type Value } from '../schema/table.ts'
import { fieldError } from '../schema/validate.ts'
import { UUID } from '../schema/validators.ts'
import { message, notFound, ok, Refusal, refuse } from './answer.ts'
import { certificateNotFound } from './certificate-access.ts'
import { checksOf, type Database, type Key } from './database.ts'
import { type Entities, entityEndpoints } from './entity-endpoints.ts'
import { type AdminRequest, inputOf, param } from './request.ts'
import type { Endpoint } from './routing.ts'

const OFF = ['/targets', '/targets/{targets}', '/targets/{targets}/upstream', '/snis/{snis}/certificate']

/** To be added after those of `entityEndpoints`, which they replace. */
export function specialEndpoints(entities: Entities): Endpoint[] {
  return [
    ...entityEndpoints(entities)
      .filter(({ path }) => OFF.includes(path))
      .map((endpoint) => ({ ...endpoint, isOff: true })),
    ...certificateEndpoints(entities),
    ...groupEndpoints(entities),
    ...consumerEndpoints(entities),
  ]
}

/** A certificate may be named by one of its SNIs; a PUT by an unknown one makes a certificate for it. */
function certificateEndpoints(entities: Entities): Endpoint[] {
  const { db, access } = entities
  const key = (request: AdminRequest): Key => certificateKey(db, request)
  const bySni: Entities = { ...entities, keys: { ...entities.keys, certificates: key } }
  const paths = ['/certificates/{certificates}/snis', '/certificates/{certificates}/snis/{snis}']
  const generated = entityEndpoints(bySni)
  const single = generated.find(({ path }) => path === '/certificates/{certificates}') as Endpoint
  return [
    ...generated.filter(({ path }) => paths.includes(path)),
    {
      path: single.path,
      methods: {
        ...single.methods,
        GET: (request) => {
          const { id = '' } = key(request)
          const row = access.certificates.select({ id })
          return row ? ok(access.certificates.show(row)) : certificateNotFound(id)
        },
        PUT: (request) => {
          const { id = '' } = key(request)
          const input = inputOf(db, request, 'certificates')
          setOwn(input, 'snis', namesForPut(own(input, 'snis'), param(request, 'certificates')))
          return ok(access.certificates.show(access.certificates.upsert({ id }, input)))
        },
        PATCH: (request) => {
          const { id = '' } = key(request)
          const input = inputOf(db, request, 'certificates')
          const snis = own(input, 'snis')
          if (typeof snis === 'string') setOwn(input, 'snis', [snis])
          return ok(access.certificates.show(access.certificates.update({ id }, input)))
        },
      },
    },
  ]
}

function certificateKey(db: Database, request: AdminRequest): Key {
  const text = param(request, 'certificates')
  if (UUID.test(text)) return { id: text.toLowerCase() }
  const field = db.schemas.snis.fields.get('name')
  const error = field && fieldError(field, text, checksOf(db, false))
  if (error !== undefined) refuse(uniqueInvalid('name', String(error)))
  const sni = db.store.find('snis', 'name', text)
  if (sni) return { id: (sni['certificate'] as { id: string }).id }
  if (request.method !== 'PUT') throw new Refusal(message(404, 'SNI not found'))
  return { id: randomUUID() }
}

/** A PUT sets all names, and always the one it was called by. */
function namesForPut(snis: Value | undefined, text: string): Value {
  const name = UUID.test(text) ? undefined : text
  if (typeof snis === 'string') return name === undefined || name === snis ? [snis] : [snis, name]
  if (!Array.isArray(snis)) return snis ?? null
  return name === undefined || snis.includes(name) ? snis : [...snis, name]
}

/** /consumers/{consumer}/acls/{group}: by id or by the name of the group. */
function groupEndpoints(entities: Entities): Endpoint[] {
  const { db, keys, access } = entities
  const acls = (request: AdminRequest): Key => {
    const text = param(request, 'acls')
    if (UUID.test(text)) return { id: text.toLowerCase() }
    const consumer = access.consumers.select(keys.consumers(request))
    const missing = () => new Refusal(notFound())
    if (!consumer) throw missing()
    for (const row of db.store.children('acls', 'consumer', consumer.id))
      if (row['group'] === text) return { id: row.id }
    if (request.method !== 'PUT') throw missing()
    return { id: randomUUID() }
  }
  const path = '/consumers/{consumers}/acls/{acls}'
  const generated = entityEndpoints({ ...entities, keys: { ...keys, acls } })
  const endpoint = generated.find((candidate) => candidate.path === path) as Endpoint
  const put = endpoint.methods['PUT'] as NonNullable<Endpoint['methods']['PUT']>
  return [
    {
      ...endpoint,
      methods: {
        ...endpoint.methods,
        PUT: (request) => {
          const group = param(request, 'acls')
          const input = inputOf(db, request, 'acls')
          if (UUID.test(group) || own(input, 'group')) return put(request)
          return put({ ...request, body: { json: { ...input, group } } })
        },
      },
    },
  ]
}

function consumerEndpoints(entities: Entities): Endpoint[] {
  const { db } = entities
  const list = entityEndpoints(entities).find(({ path }) => path === '/consumers') as Endpoint
  const get = list.methods['GET'] as NonNullable<Endpoint['methods']['GET']>
  return [
    {
      ...list,
      methods: {
        ...list.methods,
        GET: (request) => {
          const customId = request.query['custom_id']
          if (customId === undefined) return get(request)
          if (typeof customId !== 'string' || customId === '') {
            return message(400, 'custom_id must be an unempty string')
          }
          const row = db.store.find('consumers', 'custom_id', customId)
          return ok({ data: row ? [row] : [], next: null })
        },
      },
    },
  ]
}
