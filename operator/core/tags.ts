/**
 * What kongsul keeps on its entities: it has no state of its own, so ownership, the values last applied and the
 * fields a person has taken over are all tags. Kong allows no `,` and no `/` in a tag.
 */

import { createHash } from 'node:crypto'
import { canonicalJson } from './canonical-json.ts'
import type { Entity, Json, Kind } from './entity.ts'
import { escapeName, unescapeName } from './escape.ts'
import { sharedText } from './shared.ts'

export const MANAGED_TAG = 'managed-by:kongsul'
const MESH_PREFIX = 'kongsul.mesh:'
const SERVICE_PREFIX = 'kongsul.service:'
const APPLIED_PREFIX = 'kongsul.applied:'
const OVERRIDE_PREFIX = 'kongsul.override:'
const SINCE_PREFIX = 'kongsul.override-since:'

/** Override tag that keeps a target out by hand; it names no field of the target. */
export const HEALTH_OVERRIDE = 'health'

/** Tags of a new entity. @param kind of targets alone it has to be told */
export function ownTags(
  mesh: string,
  service: string,
  fields: Readonly<Record<string, Json>>,
  kind?: Kind,
): string[] {
  const applied = new Map(Object.entries(fields).map(([field, value]) => [field, hashOf(value)]))
  return [...ownerTags(mesh, service), keptTag(kind, appliedTag(applied))]
}

/** One copy of a tag. Not of what was applied to a target: ever new ones come, and each would leave its text behind. */
export const keptTag = (kind: Kind | undefined, tag: string): string =>
  kind === 'target' && tag.startsWith(APPLIED_PREFIX) ? tag : sharedText(tag)

export const ownerTags = (mesh: string, service: string): string[] => [
  MANAGED_TAG,
  sharedText(meshTag(mesh)),
  sharedText(`${SERVICE_PREFIX}${escapeName(service)}`),
]

/** Mesh names are plain words as a rule and stay as they are; what a tag cannot hold is escaped. */
export const meshTag = (mesh: string): string =>
  `${MESH_PREFIX}${/^[A-Za-z0-9._-]+$/.test(mesh) ? mesh : escapeName(mesh)}`

/** Does kongsul, as this mesh, own the entity? */
export const isOwnedBy = (mesh: string, tags: readonly string[]): boolean =>
  tags.includes(MANAGED_TAG) && tags.includes(meshTag(mesh))

/** Does any kongsul own it? */
export const isManaged = (entity: Pick<Entity, 'tags'>): boolean => entity.tags.includes(MANAGED_TAG)

/** Consul service of an entity by its tags, '' when they say none. */
export function ownerOf(tags: readonly string[]): string {
  if (!tags.includes(MANAGED_TAG)) return ''
  const tag = tags.find((each) => each.startsWith(SERVICE_PREFIX))
  return tag === undefined ? '' : unescapeName(tag.slice(SERVICE_PREFIX.length))
}

/** First 8 hex digits of the SHA-256 of the value's canonical JSON; null for an absent one. */
export function hashOf(value: Json | undefined): string {
  const text = canonicalJson(value)
  const known = hashes.get(text)
  if (known !== undefined) return known
  const hash = createHash('sha256').update(text, 'utf8').digest('hex').slice(0, 8)
  if (hashes.size >= MOST_HASHES) hashes.clear()
  hashes.set(text, hash)
  return hash
}

/** The same few values (timeouts, protocols, weights) are hashed for every service; never more than MOST_HASHES kept. */
const hashes = new Map<string, string>()
const MOST_HASHES = 2_000

/** `kongsul.applied:<field>=<8 hex>;...`, fields sorted. */
export function appliedTag(applied: ReadonlyMap<string, string>): string {
  const entries = [...applied].sort(([left], [right]) => (left < right ? -1 : 1))
  return `${APPLIED_PREFIX}${entries.map(([field, hash]) => `${escapeField(field)}=${hash}`).join(';')}`
}

/** What was last applied by field, or null when the entity has no such tag (a PUT without tags drops it). */
export function appliedOf(tags: readonly string[]): ReadonlyMap<string, string> | null {
  const tag = tags.find((each) => each.startsWith(APPLIED_PREFIX))
  if (tag === undefined) return null
  const applied = new Map<string, string>()
  for (const entry of tag.slice(APPLIED_PREFIX.length).split(';')) {
    const [field, hash] = entry.split('=')
    if (field && hash && /^[0-9a-f]{8}$/.test(hash)) applied.set(unescapeField(field), hash)
  }
  return applied
}

export const overrideTag = (field: string): string => `${OVERRIDE_PREFIX}${escapeField(field)}`

/** Fields a person owns, by tag; `health` among them is HEALTH_OVERRIDE. */
export function overriddenOf(tags: readonly string[]): ReadonlySet<string> {
  const found = tags.filter((tag) => tag.startsWith(OVERRIDE_PREFIX))
  return new Set(found.map((tag) => unescapeField(tag.slice(OVERRIDE_PREFIX.length))))
}

/** `kongsul.override-since:<field>=<epoch seconds>;...`: when each override was noticed. None for an empty map. */
export function sinceTags(sinceMs: ReadonlyMap<string, number>): string[] {
  const entries = [...sinceMs].sort(([left], [right]) => (left < right ? -1 : 1))
  if (entries.length === 0) return []
  const texts = entries.map(([field, ms]) => `${escapeField(field)}=${Math.floor(ms / 1000)}`)
  return [`${SINCE_PREFIX}${texts.join(';')}`]
}

/** When overrides were noticed, in epoch ms, by field. */
export function sinceOf(tags: readonly string[]): ReadonlyMap<string, number> {
  const since = new Map<string, number>()
  const tag = tags.find((each) => each.startsWith(SINCE_PREFIX))
  for (const entry of tag?.slice(SINCE_PREFIX.length).split(';') ?? []) {
    const [field, seconds] = entry.split('=')
    if (field && seconds && /^\d{1,12}$/.test(seconds))
      since.set(unescapeField(field), Number(seconds) * 1000)
  }
  return since
}

/** Tags that say nothing to kongsul: a person's own. */
export const foreignTags = (tags: readonly string[]): string[] =>
  tags.filter(
    (tag) =>
      tag !== MANAGED_TAG &&
      !tag.startsWith(MESH_PREFIX) &&
      !tag.startsWith(SERVICE_PREFIX) &&
      !tag.startsWith(APPLIED_PREFIX) &&
      !tag.startsWith(OVERRIDE_PREFIX) &&
      !tag.startsWith(SINCE_PREFIX),
  )

/** Dotted paths stay readable; whatever else a plugin's configuration may be keyed by is written as %xx. */
const escapeField = (field: string): string =>
  /^[A-Za-z0-9_.-]+$/.test(field)
    ? field
    : [...Buffer.from(field, 'utf8')].map((byte) => escapeByte(byte)).join('')

function escapeByte(byte: number): string {
  const character = String.fromCharCode(byte)
  return /[A-Za-z0-9_.-]/.test(character) ? character : `%${byte.toString(16).padStart(2, '0')}`
}

const unescapeField = (text: string): string => {
  if (!text.includes('%')) return text
  const bytes = text.replace(/%([0-9a-f]{2})|(.)/gs, (_, hex?: string, plain?: string) =>
    hex === undefined ? Buffer.from(plain ?? '', 'utf8').toString('hex') : hex,
  )
  return Buffer.from(bytes, 'hex').toString('utf8')
}
