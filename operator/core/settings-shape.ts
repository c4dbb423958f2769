/**
 * What a settings document may hold: KV `mesh/defaults` and `mesh/services/<name>`. Everything may be left out; an
 * unknown key refuses the document. Names ending in Ms are milliseconds, Seconds seconds.
 */

import { z } from 'zod'
import { circuitBreaker } from '../../plugins/breaker/settings-shape.ts'
import { upstreamTls } from './certificates/upstream-tls.ts'
import { MOST_RETRIES, MOST_TIMEOUT_MS } from './kong-limits.ts'
import { access, cors, headerName, headers, rateLimit, requestSize } from './plugin-settings/traffic-shape.ts'
import {
  host,
  listOf,
  numberFrom,
  oneOf,
  path,
  section,
  someOf,
  textLike,
  wholeNumber,
  yesOrNo,
} from './settings-value.ts'

/** 255 passes Kong's schema and then breaks the node: its health checker takes at most 254. */
const MOST_THRESHOLD = 254

export const STRATEGIES = ['round_robin', 'weighted', 'least_connections', 'ip_hash', 'random'] as const

const loadBalancing = section({
  strategy: oneOf(STRATEGIES).optional(),
  hashOn: textLike(
    /^(?:ip|consumer|path|(?:header|cookie|query|uri-capture):[A-Za-z0-9_-]+)$/,
    'one of ip, consumer, path, header:<name>, cookie:<name>, query:<name>, uri-capture:<name>',
  ).optional(),
})

const statuses = listOf(wholeNumber(100, 999), 100)

const activeChecks = section({
  type: oneOf(['http', 'https', 'tcp', 'grpc', 'grpcs']).optional(),
  httpPath: path()
    .refine((text) => text.startsWith('/'), { error: 'must be a path that starts with /' })
    .optional(),
  intervalSeconds: numberFrom(0.1, 65_535).optional(),
  timeoutSeconds: numberFrom(0.1, 65_535).optional(),
  concurrency: wholeNumber(1, 1_000).optional(),
  successes: wholeNumber(1, MOST_THRESHOLD).optional(),
  httpFailures: wholeNumber(0, MOST_THRESHOLD).optional(),
  tcpFailures: wholeNumber(0, MOST_THRESHOLD).optional(),
  timeouts: wholeNumber(0, MOST_THRESHOLD).optional(),
  healthyStatuses: statuses.optional(),
  unhealthyStatuses: statuses.optional(),
})

const healthChecks = section({
  active: z.union([z.boolean(), activeChecks], { error: 'must be true, false or an object' }).optional(),
  passive: section({ recoverSeconds: wholeNumber(1, 3_600).optional() }).optional(),
})

export const FORMATS = ['w3c', 'b3', 'b3-single', 'jaeger', 'ot', 'datadog', 'aws', 'gcp', 'mesh'] as const

const tracing = section({
  enabled: yesOrNo().optional(),
  samplingRate: numberFrom(0, 1).optional(),
  propagation: section({
    extract: listOf(oneOf(FORMATS), 20).optional(),
    inject: listOf(oneOf([...FORMATS, 'preserve']), 20).optional(),
    clear: listOf(headerName, 50).optional(),
    default_format: oneOf(FORMATS).optional(),
  }).optional(),
})

const auth = section({ methods: listOf(oneOf(['jwt', 'key-auth']), 2).optional() })

const intentions = section({
  default: oneOf(['consul', 'allow', 'deny']).optional(),
  anonymous: oneOf(['allow', 'deny']).optional(),
  graceSeconds: wholeNumber(0, 31_536_000).optional(),
})

const ROUTE_NAMES_OF_OURS = ['host', 'path']

const route = section({
  name: textLike(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/, 'a name of letters, digits, _ . -').refine(
    (name) => !ROUTE_NAMES_OF_OURS.includes(name),
    { error: 'must not be host or path: kongsul names its own routes so' },
  ),
  hosts: listOf(host(), 100).optional(),
  paths: listOf(path(), 100).optional(),
  methods: listOf(textLike(/^[A-Z]+$/, 'a method in capitals, such as GET'), 20).optional(),
  headers: z
    .record(headerName, someOf(z.string({ error: 'must be text' }).min(1, { error: 'must be text' }), 50), {
      error: 'must be an object of header names and lists of values',
    })
    .refine((headers) => !Object.keys(headers).some((name) => name.toLowerCase() === 'host'), {
      error: 'must not name host: hosts says it',
    })
    .optional(),
  stripPath: yesOrNo().optional(),
  preserveHost: yesOrNo().optional(),
}).refine(
  ({ hosts, paths, methods, headers = {} }) =>
    [hosts, paths, methods, Object.keys(headers)].some((each) => each !== undefined && each.length > 0),
  { error: 'must have hosts, paths, methods or headers' },
)

const OFF_ERROR = 'must be a list, or "off"'

const OFF = [z.literal('off'), z.literal(false).transform((): 'off' => 'off')] as const
const off = z.union(OFF)

const allowed = listOf(
  textLike(
    /^(?:\/\S*|\*|(?:\*\.)?[A-Za-z0-9_][A-Za-z0-9_.-]*)$/,
    'a host such as *.example.com or a path such as /shop/*',
  ),
  1_000,
)

/** What becomes of requests that come without TLS. */
const https = oneOf(['optional', 'redirect'])

const routing = section({
  hosts: z.union([off, listOf(host(), 100)], { error: OFF_ERROR }).optional(),
  paths: z.union([off, listOf(path(), 100)], { error: OFF_ERROR }).optional(),
  routes: listOf(route, 100)
    .refine((routes) => new Set(routes.map(({ name }) => name)).size === routes.length, {
      error: 'must not name two routes alike',
    })
    .optional(),
  takeover: yesOrNo().optional(),
  https: https.optional(),
  allowed: allowed.optional(),
})

/** Hosts, paths and routes are one service's: what all of them asked for only one would get. */
const oneServices = 'must not be set for all services; write it into mesh/services/<name>'
const offForAll = () => z.union(OFF, { error: `${oneServices}, or "off"` }).optional()

const defaultsRouting = section({
  hosts: offForAll(),
  paths: offForAll(),
  routes: z.never({ error: oneServices }).optional(),
  takeover: yesOrNo().optional(),
  https: https.optional(),
  allowed: allowed.optional(),
})

const common = {
  loadBalancing: loadBalancing.optional(),
  healthChecks: healthChecks.optional(),
  circuitBreaker: circuitBreaker.optional(),
  tracing: tracing.optional(),
  rateLimit: rateLimit.optional(),
  requestSize: requestSize.optional(),
  access: access.optional(),
  cors: cors.optional(),
  headers: headers.optional(),
  tls: upstreamTls.optional(),
  auth: auth.optional(),
  intentions: intentions.optional(),
  routing: routing.optional(),
  timeouts: section({
    connectMs: wholeNumber(1, MOST_TIMEOUT_MS).optional(),
    readMs: wholeNumber(1, MOST_TIMEOUT_MS).optional(),
    writeMs: wholeNumber(1, MOST_TIMEOUT_MS).optional(),
  }).optional(),
  retries: wholeNumber(0, MOST_RETRIES).optional(),
  degraded: oneOf(['fallback', 'weighted']).optional(),
  enabled: yesOrNo().optional(),
  overrides: section({
    policy: oneOf(['keep', 'revert']).optional(),
    ttlSeconds: wholeNumber(0, 31_536_000).optional(),
  }).optional(),
  guard: section({ holdSeconds: wholeNumber(0, 86_400).optional() }).optional(),
  health: section({ whenAllCritical: oneOf(['keep', 'fail']).optional() }).optional(),
  protocol: oneOf(['http', 'https', 'grpc', 'grpcs', 'tcp']).optional(),
  weights: section({
    passing: wholeNumber(0, 65_535).optional(),
    warning: wholeNumber(0, 65_535).optional(),
  }).optional(),
}

const percent = numberFrom(0, 100)

const UNTIL = 'must be a time such as 2030-01-31T12:00:00Z, at most an hour away'

/** Injected on purpose, for tests; whether `until` is near enough is for those who have a clock. */
const faults = section({
  delayMs: wholeNumber(1, 10_000).optional(),
  delayPercent: percent.optional(),
  abortPercent: percent.optional(),
  abortStatus: wholeNumber(400, 599).optional(),
  paths: listOf(textLike(/^\/\S*$/, 'a path prefix that starts with /'), 100).optional(),
  until: z.iso.datetime({ offset: true, error: UNTIL }),
})

/** KV `mesh/services/<name>`. */
export const serviceDocument = section({
  ...common,
  expose: yesOrNo().optional(),
  faults: faults.optional(),
})

/** KV `mesh/defaults`; here `expose` may also say what happens to services that say nothing. */
export const defaultsDocument = section({
  ...common,
  routing: defaultsRouting.optional(),
  faults: z.never({ error: oneServices }).optional(),
  expose: z
    .union([z.boolean(), section({ default: oneOf(['tagged', 'all']).optional() })], {
      error: 'must be true, false or {default: tagged | all}',
    })
    .optional(),
})
