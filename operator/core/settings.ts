/**
 * Settings from Consul KV and service meta: validated, layered, each effective value with its source.
 * Precedence: built-in < `mesh/defaults` < service meta < `mesh/services/<name>`.
 */

import type { Instance } from './catalog.ts'
import { type Judged, NOTHING_JUDGED } from './plugin-settings/judge-documents.ts'
import type { Problem } from './problem.ts'
import { layerOfMeta } from './service-meta.ts'
import type { Settings } from './settings-defaults.ts'
import { type Document, type Layer, readDocument } from './settings-document.ts'
import { layerSettings } from './settings-layers.ts'
import { unknownKeys } from './unknown-keys.ts'

export type { Settings } from './settings-defaults.ts'

/** The last three are Consul's configuration entries (policy/entry-settings.ts). */
export type Source =
  | 'built-in'
  | 'mesh/defaults'
  | 'meta'
  | `mesh/services/${string}`
  | 'service-defaults'
  | 'proxy-defaults'
  | 'service-resolver'

export interface ServiceSettings {
  readonly settings: Settings
  /** By dotted path of each effective value. */
  readonly sources: Readonly<Record<string, Source>>
  readonly problems: readonly Problem[]
}

/** What `mesh/defaults` says for the mesh as a whole. */
export interface MeshPolicy {
  /** Settings of a service that says nothing itself. */
  readonly settings: Settings
  /** By dotted path: the layer that set the value. */
  readonly sources: Readonly<Record<string, Source>>
  /** null where `mesh/defaults` is silent: then the process's own default holds. */
  readonly exposeDefault: 'tagged' | 'all' | null
}

export interface AcceptedSettings {
  readonly mesh: MeshPolicy
  /** Same instances and same documents: the same object as before. */
  forService(name: string, instances: readonly Instance[]): ServiceSettings
}

/** Why a document is not used. */
export interface Refusal {
  readonly errors: readonly string[]
  /** Text of the last one that was; null when there was none. */
  readonly lastGood: string | null
}

export interface Acceptance {
  readonly accepted: AcceptedSettings
  readonly problems: readonly Problem[]
  /** By key of the document. */
  readonly refused: ReadonlyMap<string, Refusal>
  /** Keys of documents that Kong has to be asked about first. */
  readonly pending: ReadonlySet<string>
}

export type Judge = (layers: ReadonlyMap<string, Layer>, before: ReadonlyMap<string, Layer>) => Judged

/**
 * @param previous what was accepted last; its documents stand in for those that do not validate now
 * @param documents raw KV text by key (`mesh/defaults`, `mesh/services/web`), JSON or YAML; a key that is missing is
 *   a document that was deleted; others below `mesh/` are passed over, those that nothing reads with a warning
 * @param judge what Kong has against documents that validate; nothing unless given
 */
export function acceptSettings(
  previous: AcceptedSettings | null,
  documents: ReadonlyMap<string, string>,
  judge: Judge = () => NOTHING_JUDGED,
): Acceptance {
  const before = previous === null ? undefined : memories.get(previous)
  const problems: Problem[] = [...unknownKeys(documents.keys())]
  const refused = new Map<string, Refusal>()
  const layers = new Map<string, Layer>()
  const goodTexts = new Map<string, string>()
  const texts = new Map<string, { text: string; document: Document }>()
  for (const [key, text] of [...documents].sort(([left], [right]) => (left < right ? -1 : 1))) {
    const service = serviceOfKey(key)
    if (service === null) continue
    const known = before?.texts.get(key)
    const document =
      known?.text === text ? known.document : readDocument(service === '' ? 'defaults' : 'service', text)
    texts.set(key, { text, document })
  }
  const valid = [...texts].flatMap(([key, { document }]) =>
    document.ok ? [[key, document.layer] as const] : [],
  )
  const judged = judge(new Map(valid), before?.layers ?? new Map())
  for (const [key, { text, document }] of texts) {
    const errors = document.ok ? (judged.refused.get(key) ?? []) : document.errors
    // What Kong has not been asked about waits; where nothing was before there is nothing to wait with.
    const isUsed = document.ok && errors.length === 0 && !(judged.pending.has(key) && before !== undefined)
    const layer = isUsed ? document.layer : before?.layers.get(key)
    if (layer !== undefined) layers.set(key, layer)
    const lastGood = isUsed ? text : before?.goodTexts.get(key)
    if (lastGood !== undefined) goodTexts.set(key, lastGood)
    if (errors.length === 0) continue
    refused.set(key, { errors, lastGood: lastGood ?? null })
    problems.push(...errors.map((error) => invalid(key, serviceOfKey(key)!, error, layer)))
  }
  const remembered = before?.remembered ?? new WeakMap()
  const accepted = accept({ layers, goodTexts, texts, remembered })
  return { accepted, problems, refused, pending: judged.pending }
}

interface Memory {
  /** Last good layer by KV key. */
  readonly layers: ReadonlyMap<string, Layer>
  /** Their texts. */
  readonly goodTexts: ReadonlyMap<string, string>
  readonly texts: ReadonlyMap<string, { readonly text: string; readonly document: Document }>
  /** Handed from one acceptance to the next: an entry holds while its two layers are the same objects. */
  readonly remembered: WeakMap<readonly Instance[], Remembered>
}

interface Remembered {
  readonly name: string
  readonly defaults: Layer | undefined
  readonly own: Layer | undefined
  readonly result: ServiceSettings
}

const memories = new WeakMap<AcceptedSettings, Memory>()

const DEFAULTS_KEY = 'mesh/defaults'
const SERVICES_PREFIX = 'mesh/services/'

function accept(memory: Memory): AcceptedSettings {
  const defaults = memory.layers.get(DEFAULTS_KEY)
  const exposeDefault = defaults?.get('expose.default') as 'tagged' | 'all' | undefined
  const ownLayers = new Map<string, Layer>()
  for (const [key, layer] of memory.layers) {
    if (key.startsWith(SERVICES_PREFIX)) ownLayers.set(key.slice(SERVICES_PREFIX.length), layer)
  }
  const layered = layerSettings(defaults === undefined ? [] : [[DEFAULTS_KEY, serviceLevel(defaults)]])
  const shared: ServiceSettings = { ...layered, problems: [] }
  const accepted: AcceptedSettings = {
    mesh: { ...layered, exposeDefault: exposeDefault ?? null },
    forService(name, instances) {
      const own = ownLayers.get(name)
      const known = memory.remembered.get(instances)
      if (known?.name === name && known.defaults === defaults && known.own === own) return known.result
      const result = settingsOf(name, instances, defaults, own, shared)
      memory.remembered.set(instances, { name, defaults, own, result })
      return result
    },
  }
  memories.set(accepted, memory)
  return accepted
}

/** @param shared the settings of a service that says nothing itself: most of them, so one object for all */
function settingsOf(
  name: string,
  instances: readonly Instance[],
  defaults: Layer | undefined,
  own: Layer | undefined,
  shared: ServiceSettings,
): ServiceSettings {
  const meta = layerOfMeta(name, instances)
  if (meta.layer.size === 0 && own === undefined) {
    return meta.problems.length === 0 ? shared : { ...shared, problems: meta.problems }
  }
  const layers: [Source, Layer][] = []
  if (defaults !== undefined) layers.push([DEFAULTS_KEY, serviceLevel(defaults)])
  layers.push(['meta', meta.layer])
  if (own !== undefined) layers.push([`${SERVICES_PREFIX}${name}`, own])
  return { ...layerSettings(layers), problems: meta.problems }
}

/** `expose.default` is the mesh's rule for those that say nothing, not a value of a service. */
const serviceLevel = (defaults: Layer): Layer => {
  const layer = new Map(defaults)
  layer.delete('expose.default')
  return layer
}

/** '' for `mesh/defaults`, the name for `mesh/services/<name>`, null for a key that holds no settings. */
function serviceOfKey(key: string): string | null {
  if (key === DEFAULTS_KEY) return ''
  const name = key.startsWith(SERVICES_PREFIX) ? key.slice(SERVICES_PREFIX.length) : ''
  return name === '' ? null : name
}

function invalid(key: string, service: string, error: string, kept: Layer | undefined): Problem {
  const rest = kept === undefined ? 'the document is not used' : 'the last good document stays'
  return { code: 'SETTING_INVALID', severity: 'error', service, message: `KV ${key}: ${error}; ${rest}` }
}
