import { z } from 'zod'
import { identityHeaders } from '../../plugins/mesh-tracing/identity-headers.ts'
import { ROUTE_HEADER, SPAN_HEADER } from '../../plugins/outcomes/mesh-headers.ts'
import { extract } from '../../plugins/propagation/extract.ts'
import { createRandomSource } from '../../plugins/propagation/ids.ts'
import { type Outgoing, outgoing } from '../../plugins/propagation/outgoing.ts'
import {
  FORMATS,
  PROPAGATION_DEFAULTS,
  type PropagationConfig,
} from '../../plugins/propagation/propagation-config.ts'
import type { TraceContext } from '../../plugins/propagation/trace-context.ts'
import { lenientObject } from './lenient-object.ts'
import { SimulationInputError } from './simulation-input-error.ts'

const format = z.enum(FORMATS)
const Config = z.strictObject({
  extract: z.array(format).nullish(),
  inject: z.array(z.enum(['preserve', ...FORMATS])).nullish(),
  clear: z.array(z.string()).nullish(),
  default_format: format.nullish(),
  sampling_rate: z.number().min(0).max(1).nullish(),
})
const Input = lenientObject({
  config: Config.nullish(),
  incoming: z.array(z.tuple([z.string().min(1), z.string()])),
})

const MESH_HEADERS = [ROUTE_HEADER, SPAN_HEADER].map((name) => name.toLowerCase())

const random = createRandomSource()

/**
 * One request through the propagation of mesh-tracing, with fresh ids.
 *
 * @returns `{extracted: {trace_id, parent_span_id, sampled, baggage} | null, outgoing: {header: value | [values]}}`,
 *   the latter with all headers that the upstream receives, names in lower case
 * @throws SimulationInputError
 */
export function simulatePropagation(input: unknown): object {
  const { config, incoming } = parse(input)
  const headers = Object.fromEntries(byName(incoming))
  const context = extract(headers, config)
  const { headers: changes } = outgoing(headers, context, config, random)
  return { extracted: extractedOf(context), outgoing: sentOn(headers, changes) }
}

function parse(input: unknown): {
  readonly config: PropagationConfig
  readonly incoming: readonly (readonly [string, string])[]
} {
  const result = Input.safeParse(input)
  if (!result.success) {
    const { path, message } = result.error.issues[0]!
    throw new SimulationInputError(pathText(path), message)
  }
  const { config, incoming } = result.data
  return {
    config: {
      extract: config?.extract ?? PROPAGATION_DEFAULTS.extract,
      inject: config?.inject ?? PROPAGATION_DEFAULTS.inject,
      clear: config?.clear ?? PROPAGATION_DEFAULTS.clear,
      defaultFormat: config?.default_format ?? PROPAGATION_DEFAULTS.defaultFormat,
      samplingRate: config?.sampling_rate ?? PROPAGATION_DEFAULTS.samplingRate,
    },
    incoming,
  }
}

const pathText = (path: readonly PropertyKey[]): string =>
  path
    .map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`))
    .join('')
    .replace(/^\./, '')

/** Headers as Kong's PDK gives them: lower-case names, an array for those that came more than once, no spaces around. */
function byName(
  incoming: readonly (readonly [string, string])[],
): ReadonlyMap<string, string | readonly string[]> {
  const headers = new Map<string, string | readonly string[]>()
  for (const [name, raw] of incoming) {
    const value = withoutSpaces(raw)
    const before = headers.get(name.toLowerCase())
    headers.set(name.toLowerCase(), before === undefined ? value : [before, value].flat())
  }
  return headers
}

/** nginx takes off spaces alone; tabs go on to the upstream. */
function withoutSpaces(text: string): string {
  let from = 0
  let to = text.length
  while (from < to && text[from] === ' ') from++
  while (to > from && text[to - 1] === ' ') to--
  return text.slice(from, to)
}

function extractedOf(context: TraceContext | null): object | null {
  if (context === null) return null
  return {
    trace_id: context.traceId,
    parent_span_id: context.parentSpanId,
    sampled: context.sampled,
    baggage: Object.fromEntries(context.baggage),
  }
}

/** What the plugin writes as X-Mesh-* depends on the service, and is left out; what came in under these names is gone. */
function sentOn(
  headers: Readonly<Record<string, string | readonly string[]>>,
  { set, remove }: Outgoing['headers'],
): object {
  const gone = new Set([...remove, ...identityHeaders(headers), ...MESH_HEADERS])
  const stays = Object.entries(headers).filter(([name]) => !gone.has(name))
  return Object.fromEntries([...stays, ...Object.entries(set)])
}
