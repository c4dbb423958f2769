/**
 * Which settings documents Kong would refuse, by what it said of the plugins that they make. Settings lie in layers, so a
 * document is judged together with the one below it; whoever changed last is to blame.
 */

import type { Layer } from '../settings-document.ts'
import { layerSettings } from '../settings-layers.ts'
import { type PluginConfig, pluginConfigs, type SharedRedis } from './plugin-configs.ts'

/** What Kong has against it, nothing as a rule; null while Kong has not been asked. */
export type VerdictOf = (config: PluginConfig) => readonly string[] | null

export interface Judged {
  /** Errors by key. */
  readonly refused: ReadonlyMap<string, readonly string[]>
  /** Keys of documents of which nothing is known yet. */
  readonly pending: ReadonlySet<string>
}

export const NOTHING_JUDGED: Judged = { refused: new Map(), pending: new Set() }

const DEFAULTS_KEY = 'mesh/defaults'
const TRAFFIC = /^(?:rateLimit|requestSize|access|cors|headers)(?:\.|$)/

/**
 * @param layers what validates by itself, by key of the document
 * @param before what was accepted last; the same object where the document is the same
 */
export function judgeDocuments(
  layers: ReadonlyMap<string, Layer>,
  before: ReadonlyMap<string, Layer>,
  verdictOf: VerdictOf,
  redis: SharedRedis | null,
): Judged {
  const refused = new Map<string, readonly string[]>()
  const pending = new Set<string>()
  const judge = (...stack: readonly (Layer | undefined)[]): readonly string[] | null => {
    const layersOf = stack.filter((layer): layer is Layer => layer !== undefined)
    const verdicts = configsOf(layersOf, redis).map(verdictOf)
    return verdicts.includes(null) ? null : [...new Set(verdicts.flatMap((errors) => errors ?? []))]
  }
  const note = (key: string, errors: readonly string[] | null): boolean => {
    if (errors === null) pending.add(key)
    else if (errors.length > 0) refused.set(key, errors)
    return errors?.length === 0
  }
  const own = [...layers].filter(([key, layer]) => key !== DEFAULTS_KEY && asksForPlugins(layer))
  let defaults = layers.get(DEFAULTS_KEY)
  const usual = before.get(DEFAULTS_KEY)
  const isNewDefaults = defaults !== undefined && defaults !== usual && asksForPlugins(defaults)
  if (isNewDefaults) {
    const isGood =
      note(DEFAULTS_KEY, judge(defaults)) &&
      own.every(([key, layer]) => {
        if (before.get(key) !== layer) return true
        const errors = judge(defaults, layer)
        return note(DEFAULTS_KEY, errors?.map((error) => `${error} (together with ${key})`) ?? null)
      })
    if (!isGood) defaults = usual
  } else if (defaults !== undefined && asksForPlugins(defaults)) {
    note(DEFAULTS_KEY, judge(defaults))
  }
  for (const [key, layer] of own) note(key, judge(defaults, layer))
  return { refused, pending }
}

export function asksForPlugins(layer: Layer): boolean {
  for (const path of layer.keys()) if (TRAFFIC.test(path)) return true
  return false
}

/** Layers never change once made; what they make together is made once. */
function configsOf(layers: readonly Layer[], redis: SharedRedis | null): readonly PluginConfig[] {
  const top = layers.at(-1)!
  const known = made.get(top)
  if (known?.redis === redis && known.below === layers[0]) return known.configs
  const { settings } = layerSettings(layers.map((layer) => [DEFAULTS_KEY, layer]))
  const configs = pluginConfigs(settings, redis)
  made.set(top, { below: layers[0], redis, configs })
  return configs
}

const made = new WeakMap<
  Layer,
  {
    readonly below: Layer | undefined
    readonly redis: SharedRedis | null
    readonly configs: readonly PluginConfig[]
  }
>()
