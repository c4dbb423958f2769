/**
 * What holds for requests that reach one service by the name of another, as configuration entries lead them: what protects
 * either of the two. Kong runs one plugin of a kind on a Kong service, so two settings become one that lets through what
 * both let through.
 */

import { commonBlocks } from './cidr.ts'
import { mergeSteps, stepsOfRules } from './header-fields.ts'
import type {
  AccessSettings,
  HeaderRules,
  RateLimitSettings,
  RequestSizeSettings,
  TrafficSettings,
} from './traffic-settings.ts'

const PERIODS = ['second', 'minute', 'hour', 'day'] as const

/** Nobody has such an address: an allow list that lets nobody through, where Kong takes an empty one for none. */
const NOBODY = ['255.255.255.255/32']

/**
 * @param entry settings of the service that the request is for
 * @param answering of the one that it is led to
 * @param tell what could not be kept of the first
 */
export function combineTraffic(
  entry: TrafficSettings,
  answering: TrafficSettings,
  tell: (what: string) => void,
): TrafficSettings {
  if (entry === answering) return trafficOf(answering)
  const headers = bothHeaders(entry.headers, answering.headers)
  return {
    rateLimit: bothLimits(entry.rateLimit, answering.rateLimit, tell),
    requestSize: smaller(entry.requestSize, answering.requestSize),
    access: bothAccess(entry.access, answering.access),
    // The browser was told the host of the first.
    cors: isCors(entry) ? entry.cors : answering.cors,
    ...(headers === undefined ? {} : { headers }),
  }
}

const trafficOf = ({ rateLimit, requestSize, access, cors, headers }: TrafficSettings): TrafficSettings => ({
  rateLimit,
  requestSize,
  access,
  cors,
  ...(headers === undefined ? {} : { headers }),
})

/** Of one name what the answering service says. */
function bothHeaders(
  entry: TrafficSettings['headers'],
  own: TrafficSettings['headers'],
): TrafficSettings['headers'] {
  if (entry === undefined || own === undefined) return own ?? entry
  const [request, response] = [both(entry.request, own.request), both(entry.response, own.response)]
  return { ...(request === undefined ? {} : { request }), ...(response === undefined ? {} : { response }) }
}

/** As if the entry's were done before those of the one that answers: what that removes nobody sets before it. */
function both(entry: HeaderRules | undefined, own: HeaderRules | undefined): HeaderRules | undefined {
  if (entry === undefined || own === undefined) return own ?? entry
  const { remove, rename, set, add } = mergeSteps(stepsOfRules(entry), stepsOfRules(own))!
  return {
    remove,
    rename: Object.fromEntries(rename),
    set: Object.fromEntries(set),
    add: Object.fromEntries(add),
  }
}

export const isLimited = (limit: RateLimitSettings): boolean =>
  limit.enabled && PERIODS.some((period) => limit[period] !== null)

export const isCors = ({ cors }: TrafficSettings): boolean => cors.enabled && cors.origins !== null

function bothLimits(
  entry: RateLimitSettings,
  own: RateLimitSettings,
  tell: (what: string) => void,
): RateLimitSettings {
  if (!isLimited(entry)) return own
  if (!isLimited(own)) return entry
  const isAlike = (['limitBy', 'header', 'path'] as const).every((field) => entry[field] === own[field])
  if (!isAlike) {
    tell('rateLimit counts by something else than that of the service it leads to, which holds alone')
    return own
  }
  const least = (one: number | null, other: number | null): number | null =>
    one === null || other === null ? (one ?? other) : Math.min(one, other)
  const limits: Partial<Record<(typeof PERIODS)[number], number | null>> = {}
  // Kong refuses a period with more than a longer one lets through; what is cut off never came through anyway.
  let most: number | null = null
  for (const period of [...PERIODS].reverse()) {
    const limit = least(entry[period], own[period])
    limits[period] = limit === null ? null : least(limit, most)
    most = least(limit, most)
  }
  return { ...own, ...limits }
}

function smaller(entry: RequestSizeSettings, own: RequestSizeSettings): RequestSizeSettings {
  if (!entry.enabled || entry.maxBytes === null) return own
  if (!own.enabled || own.maxBytes === null) return entry
  return {
    enabled: true,
    maxBytes: Math.min(entry.maxBytes, own.maxBytes),
    requireContentLength: entry.requireContentLength || own.requireContentLength,
  }
}

function bothAccess(entry: AccessSettings, own: AccessSettings): AccessSettings {
  if (!entry.enabled) return own
  if (!own.enabled) return entry
  const deny = [...new Set([...(entry.deny ?? []), ...(own.deny ?? [])])]
  return {
    enabled: true,
    allow: bothAllow(entry.allow ?? [], own.allow ?? []),
    deny: deny.length === 0 ? null : deny,
  }
}

function bothAllow(one: readonly string[], other: readonly string[]): readonly string[] | null {
  if (one.length === 0 || other.length === 0)
    return one.length + other.length === 0 ? null : [...one, ...other]
  const common = commonBlocks(one, other)
  return common.length === 0 ? NOBODY : common
}
