/**
 * Certificates show the names (SNIs) that lead to them, and take a list of names to set them. Kong works on the names
 * outside of any transaction: what it has done to them stays when the certificate is refused afterwards.
 */

import { createHash } from 'node:crypto'
import { fieldViolation, notFound, referencedByOthers, uniqueInvalid } from '../schema/kong-error.ts'
import { type ObjectValue, own, type Table, type Value } from '../schema/table.ts'
import { readCertificate } from '../schema/typedefs/keys.ts'
import { fieldError } from '../schema/validate.ts'
import type { Row } from '../store.ts'
import { refuse } from './answer.ts'
import { checksOf, type Database, insert, remove } from './database.ts'
import type { EntityAccess } from './entity-access.ts'

export function accessToCertificates(db: Database, access: EntityAccess): EntityAccess {
  const replaceNames = (certificate: Row, names: readonly string[]): void => {
    const current = snisOf(db, certificate.id)
    for (const name of names) {
      if (!current.some((sni) => sni['name'] === name)) {
        insert(db, 'snis', { name, certificate: { id: certificate.id } })
      }
    }
    for (const sni of current) if (!names.includes(String(sni['name']))) removeName(db, sni)
  }
  const writing = (id: string | undefined, input: ObjectValue, write: () => Row): Row => {
    const names = nameList(db, own(input, 'snis'), id)
    const row = write()
    if (names) replaceNames(row, names)
    return row
  }
  return {
    ...access,
    insert: (input) => writing(undefined, input, () => access.insert(input)),
    update: (key, input) => writing(key.id, input, () => access.update(key, input)),
    upsert: (key, input) => writing(key.id, input, () => access.upsert(key, input)),
    remove: (key) => {
      for (const sni of snisOf(db, key.id ?? '')) removeName(db, sni)
      access.remove(key)
    },
    show: (row) => ({
      ...row,
      snis: snisOf(db, row.id)
        .map((sni) => sni['name'] as string)
        .sort(),
    }),
    showAsParent: (row) => ({ ...row, snis: null }),
  }
}

/** Kong answers a GET of a single certificate that is not there with its full error. */
export const certificateNotFound = (id: string): never => refuse(notFound({ id }))

/** Certificates of authorities are told apart by their digest, and kept while a service trusts them. */
export function accessToAuthorities(db: Database, access: EntityAccess): EntityAccess {
  return {
    ...access,
    insert: (input) => access.insert(withDigest(input)),
    update: (key, input) => access.update(key, withDigest(input)),
    upsert: (key, input) => access.upsert(key, withDigest(input)),
    remove: (key) => {
      for (const service of db.store.all('services')) {
        if (!(service['ca_certificates'] as string[] | null)?.includes(key.id ?? '')) continue
        const text = `ca certificate ${key.id} is still referenced by services (id = ${service.id})`
        refuse(referencedByOthers(text))
      }
      access.remove(key)
    },
  }
}

function withDigest(input: ObjectValue): ObjectValue {
  const cert = own(input, 'cert')
  const certificate = typeof cert === 'string' ? readCertificate(cert) : undefined
  if (!certificate) return input
  return { ...input, cert_digest: createHash('sha256').update(certificate.raw).digest('hex') }
}

const removeName = (db: Database, sni: Row): void =>
  remove(db, 'snis', sni, { field: 'name', value: String(sni['name']) })

const snisOf = (db: Database, id: string): Row[] => [...db.store.children('snis', 'certificate', id)]

/** The names wanted; undefined when the input says nothing of them. Refuses names of other certificates. */
function nameList(
  db: Database,
  snis: Value | undefined,
  id: string | undefined,
): readonly string[] | undefined {
  if (snis === null) return []
  if (typeof snis !== 'object') return undefined
  const names = namesIn(snis)
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice !== undefined) refuse(fieldViolation('snis', `${twice} is duplicated`))
  const field = db.schemas.snis.fields.get('name')
  for (const name of names) {
    const error = field && fieldError(field, name, checksOf(db, false))
    if (error !== undefined) refuse(uniqueInvalid('name', String(error)))
    const owner = db.store.find('snis', 'name', name)?.['certificate'] as { id: string } | undefined
    if (!owner || owner.id === id) continue
    refuse(fieldViolation('snis', `${name} already associated with existing certificate '${owner.id}'`))
  }
  return names
}

const namesIn = (snis: Table): string[] =>
  Array.isArray(snis) ? snis.filter((name): name is string => typeof name === 'string') : []
