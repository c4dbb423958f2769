/** External services: KV `mesh/external/<name>`, JSON or YAML. An unknown key refuses the document. docs/policies.md describes it. */

import { z } from 'zod'
import { explainIssues, parseText } from '../settings-document.ts'
import { numberFrom, oneOf, section, someOf, textLike, wholeNumber } from '../settings-value.ts'
import { targetOf } from '../target-address.ts'

export const EXTERNAL_PROTOCOLS = ['http', 'https', 'grpc', 'grpcs'] as const

export interface ExternalPlace {
  /** Host name or IP address. */
  readonly host: string
  readonly port: number
  readonly weight: number
}

export interface ExternalCheck {
  /** Absolute, or a path that each place is asked for. */
  readonly http: string
  readonly intervalSeconds: number
  readonly timeoutMs: number
}

export interface ExternalService {
  readonly protocol: (typeof EXTERNAL_PROTOCOLS)[number]
  readonly places: readonly ExternalPlace[]
  /** Places differ in weight. */
  readonly isWeighted: boolean
  /** null: taken for healthy. */
  readonly check: ExternalCheck | null
}

export type ReadExternal =
  | { readonly ok: true; readonly service: ExternalService }
  | { readonly ok: false; readonly errors: readonly string[] }

const HOST_ERROR = 'must be a host name such as api.example.com or an IP address'
const hostname = z.string({ error: HOST_ERROR }).refine((text) => targetOf(text, 1).ok, { error: HOST_ERROR })
const port = wholeNumber(1, 65_535)
const weight = wholeNumber(0, 65_535)

const DOCUMENT = section({
  hostname: hostname.optional(),
  port: port.optional(),
  weight: weight.optional(),
  instances: someOf(section({ hostname, port, weight: weight.optional() }), 100).optional(),
  protocol: oneOf(EXTERNAL_PROTOCOLS).optional(),
  healthCheck: section({
    http: textLike(/^(?:https?:\/\/[^\s/]+\S*|\/\S*)$/, 'a URL, or a path that starts with /'),
    intervalSeconds: numberFrom(1, 3_600).optional(),
    timeoutMs: wholeNumber(1, 60_000).optional(),
  }).optional(),
}).superRefine(({ hostname: host, port: at, instances }, context) => {
  const say = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message })
  if (instances === undefined) {
    if (host === undefined) say('hostname', 'must be given, or instances')
    if (at === undefined) say('port', 'must be given')
  } else if (host !== undefined || at !== undefined)
    say('instances', 'must not stand beside hostname and port')
})

const MOST_CHARS = 65_536
const DEFAULT_WEIGHT = 100

export function readExternal(text: string): ReadExternal {
  if (text.length > MOST_CHARS) return refused(`the document has more than ${MOST_CHARS} characters`)
  const parsed = parseText(text)
  if (!parsed.ok) return refused(parsed.error)
  const result = DOCUMENT.safeParse(parsed.value)
  if (!result.success)
    return { ok: false, errors: explainIssues(result.error.issues, parsed.value, DOCUMENT) }
  const { hostname: host, port: at, weight: own = DEFAULT_WEIGHT, instances, ...rest } = result.data
  const places = (instances ?? [{ hostname: host!, port: at!, weight: own }]).map((each) => ({
    host: each.hostname.toLowerCase(),
    port: each.port,
    weight: each.weight ?? own,
  }))
  const { protocol = 'http', healthCheck } = rest
  const check =
    healthCheck === undefined
      ? null
      : {
          http: healthCheck.http,
          intervalSeconds: healthCheck.intervalSeconds ?? 10,
          timeoutMs: healthCheck.timeoutMs ?? 2_000,
        }
  const isWeighted = new Set(places.map((place) => place.weight)).size > 1
  return { ok: true, service: { protocol, places: unique(places), isWeighted, check } }
}

/** One place twice is one target of Kong. */
const unique = (places: readonly ExternalPlace[]): readonly ExternalPlace[] => [
  ...new Map(places.map((place) => [`${place.host}:${place.port}`, place])).values(),
]

const refused = (error: string): ReadExternal => ({ ok: false, errors: [error] })
