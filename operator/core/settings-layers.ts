/** Layers of settings one over the other, each effective value remembering where it came from. */

import type { Json } from './entity.ts'
import type { Source } from './settings.ts'
import { ACTIVE_CHECKS, type ActiveChecks, BUILT_IN, type Settings } from './settings-defaults.ts'
import { flatten, type Layer } from './settings-document.ts'

export interface Layered {
  readonly settings: Settings
  readonly sources: Readonly<Record<string, Source>>
}

/** @param layers in order of precedence, lowest first; they lie on the built-in values */
export function layerSettings(layers: readonly (readonly [Source, Layer])[]): Layered {
  const values = new Map<string, Json>(BUILT_IN_LEAVES)
  const sources = new Map<string, Source>(BUILT_IN_LEAVES.map(([path]) => [path, 'built-in']))
  for (const [source, layer] of layers) {
    for (const path of layer.keys()) dropOtherForm(path, values, sources)
    for (const [path, value] of layer) {
      const allowed = path === 'routing.allowed' ? union(values.get(path), value) : value
      values.set(path, allowed)
      sources.set(path, source)
    }
  }
  expandActive(values, sources)
  return { settings: unflatten(values) as unknown as Settings, sources: Object.fromEntries(sources) }
}

const BUILT_IN_LEAVES = flatten('', BUILT_IN as unknown as Json)

/** A window is {seconds, buckets} or {calls}, active checks are a switch or an object: naming one form drops the other. */
function dropOtherForm(path: string, ...maps: Map<string, unknown>[]): void {
  const forget = (...paths: string[]): void => {
    for (const map of maps) for (const each of paths) map.delete(each)
  }
  const window = /^(.*\.window)\.(seconds|buckets|calls)$/.exec(path)
  if (window !== null && window[2] === 'calls') forget(`${window[1]}.seconds`, `${window[1]}.buckets`)
  else if (window !== null) forget(`${window[1]}.calls`)
  if (path === ACTIVE) forget(...Object.keys(ACTIVE_CHECKS).map((key) => `${ACTIVE}.${key}`))
  else if (path.startsWith(`${ACTIVE}.`)) forget(ACTIVE)
}

const ACTIVE = 'healthChecks.active'

/** `active: true`, or an object that leaves fields out: the rest is built in. */
function expandActive(values: Map<string, Json>, sources: Map<string, Source>): void {
  const isAsked =
    values.get(ACTIVE) === true || [...values.keys()].some((path) => path.startsWith(`${ACTIVE}.`))
  if (!isAsked) {
    values.set(ACTIVE, null)
    return
  }
  values.delete(ACTIVE)
  sources.delete(ACTIVE)
  for (const key of Object.keys(ACTIVE_CHECKS) as (keyof ActiveChecks)[]) {
    const path = `${ACTIVE}.${key}`
    if (values.has(path)) continue
    values.set(path, ACTIVE_CHECKS[key])
    sources.set(path, 'built-in')
  }
}

/** `routing.allowed` grants: what the service's own document adds does not take away what the mesh grants to all. */
const union = (left: Json | undefined, right: Json): Json =>
  Array.isArray(left) && Array.isArray(right) ? [...new Set([...left, ...right])] : right

function unflatten(values: ReadonlyMap<string, Json>): Json {
  const root: Record<string, unknown> = {}
  for (const [path, value] of values) {
    const keys = path.split('.')
    let node = root
    for (const key of keys.slice(0, -1)) {
      node[key] ??= {}
      node = node[key] as Record<string, unknown>
    }
    node[keys.at(-1)!] = value
  }
  return root as Json
}
