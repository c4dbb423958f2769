/**
 * One copy of what thousands of entities have in common. Nothing here changes what an entity says: texts and fields
 * that are equal become the same ones, and fields of one form take a fifth of the memory V8 gives a table of 45 keys.
 */

import type { Json, Kind } from './entity.ts'

type Fields = Readonly<Record<string, Json>>

/** The same text, kept once. */
export function sharedText(text: string): string {
  const known = texts.get(text)
  if (known !== undefined) return known
  if (texts.size >= MOST_TEXTS) texts.clear()
  texts.set(text, text)
  return text
}

/** Equal fields, all but what every entity of the kind has of its own. */
export function sharedFields(kind: Kind, fields: Fields): Fields {
  const isOwn = OWN[kind]
  const entries = Object.entries(fields).sort(([left], [right]) => (left < right ? -1 : 1))
  const text = JSON.stringify(entries.map(([path, value]) => [path, isOwn.has(path) ? null : value]))
  let form = forms.get(text)
  if (form === undefined) {
    form = compact(Object.fromEntries(entries))
    if (forms.size >= MOST_FORMS) forms.clear()
    forms.set(text, form)
  }
  const own = entries.filter(([path]) => isOwn.has(path))
  return own.length === 0 ? form : withOwn(form, own)
}

/** An object that grew key by key is a hash table to V8; one that came out of JSON has a layout, which copies share. */
export const compact = <T extends Fields>(fields: T): T => JSON.parse(JSON.stringify(fields)) as T

/** A copy of the layout of `form`, with these values of fields that it has. */
export function withOwn(form: Fields, own: readonly (readonly [string, Json])[]): Fields {
  const fields: Record<string, Json> = { ...form }
  for (const [path, value] of own) fields[path] = value
  return fields
}

/** Fields that hardly any two entities of a kind have in common. */
const OWN: Readonly<Record<Kind, ReadonlySet<string>>> = {
  upstream: new Set(),
  target: new Set(),
  service: new Set(['host']),
  route: new Set(['hosts', 'paths', 'service']),
  plugin: new Set(['service', 'route']),
  consumer: new Set(),
  jwt_secret: new Set(['consumer', 'rsa_public_key', 'secret']),
  keyauth_credential: new Set(['consumer', 'key']),
  acl: new Set(['consumer']),
  certificate: new Set(['cert', 'key', 'snis']),
  sni: new Set(['certificate']),
  ca_certificate: new Set(['cert', 'cert_digest']),
}

/** Bounded: what is forgotten is only kept more than once. */
const texts = new Map<string, string>()
const MOST_TEXTS = 100_000
const forms = new Map<string, Fields>()
const MOST_FORMS = 1_000
