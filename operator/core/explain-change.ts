/** A change in one line, for plan and logs. Secrets never show. */

import type { Change } from './diff.ts'
import type { Json, Kind } from './entity.ts'

/** `update service mesh.web: read_timeout 60000 -> 500, tags` */
export function explainChange(change: Change): string {
  const { action, entity, before, fields } = change
  const what = `${action} ${entity.kind} ${entity.name || entity.id}`
  if (action === 'delete') return what
  const told = fields.map((field) => {
    if (field === 'tags') return 'tags'
    const after = shown(entity.kind, field, fieldValue(entity, field))
    if (action === 'create') return `${field} ${after}`
    return `${field} ${shown(entity.kind, field, before === null ? null : fieldValue(before, field))} -> ${after}`
  })
  const short = action === 'create' ? told.filter((text) => !text.endsWith(' null')) : told
  return `${what}: ${short.join(', ')}`
}

/** The value as it may be shown to anybody: `[redacted]` where the field holds a secret. */
export function maskedValue(kind: Kind, field: string, value: Json | undefined): Json {
  const isSecret = kind === 'plugin' ? SECRET.test(field) : (SECRETS[kind] ?? '') === field
  return isSecret && value !== null && value !== undefined ? '[redacted]' : (value ?? null)
}

/** Kong keeps both in clear. */
const SECRETS: Partial<Record<Kind, string>> = {
  jwt_secret: 'secret',
  keyauth_credential: 'key',
  certificate: 'key',
}

const SECRET = /(?:secret|password|token|key|credential|private)/i

const LONGEST_VALUE = 60

function shown(kind: Kind, field: string, value: Json | undefined): string {
  const text = JSON.stringify(maskedValue(kind, field, value))
  return text.length > LONGEST_VALUE ? `${text.slice(0, LONGEST_VALUE - 3)}...` : text
}

const fieldValue = (entity: NonNullable<Change['before']>, field: string): Json | undefined =>
  field === 'name' ? entity.name : entity.fields[field]
