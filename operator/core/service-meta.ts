/**
 * Settings in the meta of instances: `mesh-<kebab path>`, always text. Instances of one service may differ (a rolling
 * change); none of them drops a route of the others.
 */

import { canonicalJson } from './canonical-json.ts'
import type { Instance } from './catalog.ts'
import { guessOf } from './closest-name.ts'
import { byNodeAndId } from './consul-row.ts'
import type { Json } from './entity.ts'
import type { Problem } from './problem.ts'
import { explainIssues, type Layer, leafPaths, schemaAt } from './settings-document.ts'
import { serviceDocument } from './settings-shape.ts'

/** What one service's meta says, `weights.*` apart: those belong to each instance (see `weightsInMeta`). */
export interface MetaLayer {
  readonly layer: Layer
  readonly problems: readonly Problem[]
}

export function layerOfMeta(service: string, instances: readonly Instance[]): MetaLayer {
  const ordered = [...instances].sort(byNodeAndId)
  const faults = new Map<string, { problem: Problem; count: number }>()
  const values = new Map<string, Said[]>()
  for (const instance of ordered) {
    for (const entry of readMeta(instance)) {
      if (entry.ok && isOfInstance(entry.path)) continue
      if (entry.ok) values.set(entry.path, [...(values.get(entry.path) ?? []), entry])
      else countFault(faults, service, instance, entry)
    }
  }
  const layer = new Map<string, Json>()
  const differing: Problem[] = []
  for (const [path, said] of values) {
    const value = agree(path, said, ordered.length)
    if (value !== undefined) layer.set(path, value)
    if (isSplit(path, said, ordered.length)) differing.push(differs(service, said, value))
  }
  const problems = [...faults.values()].map(({ problem, count }) =>
    count === 1 ? problem : { ...problem, message: `${problem.message} (and ${count - 1} more instances)` },
  )
  return { layer, problems: [...problems, ...differing] }
}

/** Weights that the meta of one instance gives it; null where it gives none. */
export function weightsInMeta(instance: Instance): { passing: number | null; warning: number | null } {
  const found = { passing: null as number | null, warning: null as number | null }
  for (const entry of readMeta(instance)) {
    if (entry.ok && entry.path === 'weights.passing') found.passing = entry.value as number
    if (entry.ok && entry.path === 'weights.warning') found.warning = entry.value as number
  }
  return found
}

interface Said {
  readonly ok: true
  readonly key: string
  readonly path: string
  readonly value: Json
}

interface Fault {
  readonly ok: false
  readonly code: 'META_INVALID' | 'META_UNKNOWN' | 'META_REFUSED'
  readonly message: string
}

/** Sections a service must not decide about itself: they protect it from others or others from it. */
const REFUSED =
  /^mesh-(?:auth|faults|rate-limit|request-size|access|cors|headers|intentions|tls|overrides|guard|routing-(?:takeover|allowed|routes|https))(?:-|$)/

const SHORT_FORMS: ReadonlyMap<string, string> = new Map([
  ['mesh-hosts', 'routing.hosts'],
  ['mesh-paths', 'routing.paths'],
  ['mesh-weight', 'weights.passing'],
])

const kebab = (path: string): string =>
  `mesh-${path
    .replaceAll('.', '-')
    .replaceAll('_', '-')
    .replace(/[A-Z]/g, (capital) => `-${capital.toLowerCase()}`)}`

const PATH_BY_KEY: ReadonlyMap<string, string> = new Map([
  ...leafPaths(serviceDocument).map((path): [string, string] => [kebab(path), path]),
  ...SHORT_FORMS,
])

const KNOWN_KEYS = [...PATH_BY_KEY.keys()].filter((key) => !REFUSED.test(key))

function readMeta(instance: Instance): readonly (Said | Fault)[] {
  const known = read.get(instance)
  if (known !== undefined) return known
  const entries = Object.entries(instance.meta)
    .filter(([key]) => key.toLowerCase().startsWith('mesh-'))
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([key, text]) => readEntry(key.toLowerCase(), text))
  read.set(instance, entries)
  return entries
}

/** Instances never change; what their meta says is read once. */
const read = new WeakMap<Instance, readonly (Said | Fault)[]>()

function readEntry(key: string, text: string): Said | Fault {
  if (REFUSED.test(key)) {
    const message = `${key} is not taken from service meta; write it into KV mesh/services/<name>`
    return { ok: false, code: 'META_REFUSED', message }
  }
  const path = PATH_BY_KEY.get(key)
  if (path === undefined) {
    const message = `${key} is not a setting${guessOf(key, KNOWN_KEYS)}`
    return { ok: false, code: 'META_UNKNOWN', message }
  }
  const schema = schemaAt(serviceDocument, path.split('.'))!
  for (const candidate of readings(text)) {
    const result = schema.safeParse(candidate)
    if (!result.success) continue
    if (path === 'routing.paths' && hasRegex(result.data)) break
    return { ok: true, key, path, value: result.data as Json }
  }
  return { ok: false, code: 'META_INVALID', message: complaint(key, path, text) }
}

/** A regular expression outranks every prefix of every service, so one must not come from meta. */
const hasRegex = (value: unknown): boolean =>
  Array.isArray(value) && value.some((path) => typeof path === 'string' && path.startsWith('~'))

/** Text as everything it may stand for, the most literal first. */
function readings(text: string): Json[] {
  const items = text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '')
  const one = text.trim()
  // Words that mean something are lower case here; people write `TCP`.
  const readings: Json[] = [text, one.toLowerCase(), ...scalar(one)]
  return items.length === 0 ? readings : [...readings, items.map((item) => scalar(item)[0] ?? item), items]
}

function scalar(text: string): (number | boolean)[] {
  if (/^-?\d+(?:\.\d+)?$/.test(text)) return [Number(text)]
  if (/^(?:true|false)$/i.test(text)) return [text.toLowerCase() === 'true']
  return []
}

function complaint(key: string, path: string, text: string): string {
  const schema = schemaAt(serviceDocument, path.split('.'))!
  const result = schema.safeParse(text)
  if (path === 'routing.paths' && text.includes('~'))
    return `${key} must not be a regular expression, got "${text}"`
  if (result.success) return `${key} cannot be ${JSON.stringify(text)}`
  const [first] = explainIssues(result.error.issues, text, schema)
  return (first ?? 'the document is not valid').replace(/^the document/, key)
}

const isOfInstance = (path: string): boolean => path.startsWith('weights.')

/**
 * What holds when instances say different things. Hosts and paths: all of them. Being exposed or enabled: one yes is
 * enough, a no must be everyone's. Anything else: what most say; of equals, the first by (node, id).
 */
function agree(path: string, said: readonly Said[], instances: number): Json | undefined {
  if (path === 'expose' || path === 'enabled') {
    if (said.some(({ value }) => value === true)) return true
    return said.length === instances ? false : undefined
  }
  const lists = said.map(({ value }) => value).filter((value) => Array.isArray(value)) as Json[][]
  if ((path === 'routing.hosts' || path === 'routing.paths') && lists.length > 0) {
    return [...new Set(lists.flat())].sort() as Json
  }
  return mostSaid(said)
}

function mostSaid(said: readonly Said[]): Json | undefined {
  const counts = new Map<string, { value: Json; count: number }>()
  for (const { value } of said) {
    const text = canonicalJson(value)
    counts.set(text, { value, count: (counts.get(text)?.count ?? 0) + 1 })
  }
  let winner: { value: Json; count: number } | undefined
  for (const each of counts.values()) if (winner === undefined || each.count > winner.count) winner = each
  return winner?.value
}

function isSplit(path: string, said: readonly Said[], instances: number): boolean {
  if (new Set(said.map(({ value }) => canonicalJson(value))).size > 1) return true
  return (path === 'expose' || path === 'enabled') && said[0]?.value === false && said.length < instances
}

function differs(service: string, said: readonly Said[], used: Json | undefined): Problem {
  const key = said[0]!.key
  const values = [...new Set(said.map(({ value }) => JSON.stringify(value)))].join(' and ')
  const taken = used === undefined ? 'it is left out until all agree' : `${JSON.stringify(used)} is used`
  return {
    code: 'META_DIFFERS',
    severity: 'info',
    service,
    message: `${key} differs between the instances of ${service} (${values}); ${taken}`,
  }
}

function countFault(
  faults: Map<string, { problem: Problem; count: number }>,
  service: string,
  instance: Instance,
  fault: Fault,
): void {
  const known = faults.get(fault.message)
  if (known !== undefined) {
    known.count += 1
    return
  }
  const message = `${fault.message} (meta of instance ${instance.id} on ${instance.node}); the value is ignored`
  faults.set(fault.message, {
    problem: { code: fault.code, severity: 'warning', service, message },
    count: 1,
  })
}
