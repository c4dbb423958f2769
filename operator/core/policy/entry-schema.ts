/**
 * The shapes of Consul's configuration entries as its HTTP API returns them, of 1.8.7 to 1.22:
 * https://developer.hashicorp.com/consul/docs/reference/config-entry. Fields of later versions are among them, so that
 * what Kong cannot do is told by name; anything else is a field this version of kongsul has not heard of.
 */

import { z } from 'zod'
import { durationMs } from '../go-duration.ts'
import { MOST_RETRIES, MOST_TIMEOUT_MS } from '../kong-limits.ts'

const text = z.string('must be a text')
const flag = z.boolean('must be true or false')
const whole = z.int('must be a whole number').nonnegative('must not be negative')

const texts = z.array(text, 'must be a list of texts')

/** In milliseconds. More than Kong takes is written as the most it does: nobody tells 24 days from a year. */
const duration = z
  .union([text, z.number()], 'must be a duration such as "5s"')
  .refine((value) => durationMs(value) !== null, 'must be a duration such as "5s"')
  .transform((value) => Math.min(durationMs(value)!, MOST_TIMEOUT_MS))

/**
 * A duration that a negative one takes away, as of Consul 1.18 (https://github.com/hashicorp/consul/pull/19992).
 * @param none what there is then
 */
const limit = (none: string) =>
  z
    .union([text, z.number()], 'must be a duration such as "5s"')
    .transform((value) => (isNegative(value) ? none : value))
    .pipe(duration)

const isNegative = (value: string | number): boolean =>
  typeof value === 'number' ? value < 0 : value.startsWith('-') && durationMs(value.slice(1)) !== null

/** Without end is the most that Kong takes. */
const requestTimeout = limit(`${MOST_TIMEOUT_MS}ms`)

/** What every entry has, and what belongs to others of Consul's features. */
const COMMON = {
  Kind: text,
  Name: text,
  Meta: z.record(z.string(), z.unknown()).optional(),
  Namespace: text.optional(),
  Partition: text.optional(),
  Peer: text.optional(),
  CreateIndex: z.number().optional(),
  ModifyIndex: z.number().optional(),
  Hash: z.number().optional(),
  Status: z.unknown().optional(),
}

const headerModifiers = z
  .strictObject({
    Add: z.record(text, text).optional(),
    Set: z.record(text, text).optional(),
    Remove: texts.optional(),
  })
  .optional()

/** Conditions that are not known must not be left out of what a route matches: see unknownCondition. */
const headerMatch = z.looseObject({
  Name: text.min(1, 'must not be empty'),
  Present: flag.optional(),
  Exact: text.optional(),
  Prefix: text.optional(),
  Suffix: text.optional(),
  Regex: text.optional(),
  Invert: flag.optional(),
})

const queryMatch = z.strictObject({
  Name: text.min(1, 'must not be empty'),
  Present: flag.optional(),
  Exact: text.optional(),
  Regex: text.optional(),
})

const path = text.refine((value) => value === '' || value.startsWith('/'), 'must begin with /')

const httpMatch = z
  .looseObject({
    PathExact: path.optional(),
    PathPrefix: path.optional(),
    PathRegex: text.optional(),
    CaseInsensitive: flag.optional(),
    Header: z.array(headerMatch).optional(),
    QueryParam: z.array(queryMatch).optional(),
    Methods: texts.optional(),
  })
  .refine(
    ({ PathExact, PathPrefix, PathRegex }) =>
      [PathExact, PathPrefix, PathRegex].filter((each) => (each ?? '') !== '').length <= 1,
    'must have only one of PathExact, PathPrefix and PathRegex',
  )

const routeMatch = z.looseObject({ HTTP: httpMatch.optional() })

/** Names of fields by the place in a match where they may stand. */
export const CONDITIONS = {
  Match: Object.keys(routeMatch.shape),
  HTTP: Object.keys(httpMatch.shape),
  Header: Object.keys(headerMatch.shape),
}

const routeDestination = z.strictObject({
  Service: text.optional(),
  ServiceSubset: text.optional(),
  Namespace: text.optional(),
  Partition: text.optional(),
  PrefixRewrite: text.optional(),
  RequestTimeout: requestTimeout.optional(),
  // Kong ends no connection for being idle: what a negative one asks for.
  IdleTimeout: limit('0').optional(),
  NumRetries: whole.transform((value) => Math.min(value, MOST_RETRIES)).optional(),
  RetryOnConnectFailure: flag.optional(),
  RetryOn: texts.optional(),
  RetryOnStatusCodes: z.array(whole).optional(),
  RequestHeaders: headerModifiers,
  ResponseHeaders: headerModifiers,
})

export const ROUTER = z.strictObject({
  ...COMMON,
  Routes: z
    .array(z.strictObject({ Match: routeMatch.optional(), Destination: routeDestination.optional() }))
    .optional(),
})

const split = z.strictObject({
  Weight: z.number('must be a number').min(0, 'must be 0 to 100').max(100, 'must be 0 to 100'),
  Service: text.optional(),
  ServiceSubset: text.optional(),
  Namespace: text.optional(),
  Partition: text.optional(),
  RequestHeaders: headerModifiers,
  ResponseHeaders: headerModifiers,
})

export const SPLITTER = z.strictObject({
  ...COMMON,
  Splits: z
    .array(split)
    .min(1, 'must not be empty')
    .refine(
      (all) => all.reduce((sum, { Weight }) => sum + Math.round(Weight * 100), 0) === 10_000,
      'must have weights that add up to 100',
    ),
})

const failover = z.strictObject({
  Service: text.optional(),
  ServiceSubset: text.optional(),
  Namespace: text.optional(),
  Datacenters: texts.optional(),
  Targets: z
    .array(
      z.strictObject({
        Service: text.optional(),
        ServiceSubset: text.optional(),
        Partition: text.optional(),
        Namespace: text.optional(),
        Datacenter: text.optional(),
        Peer: text.optional(),
      }),
    )
    .optional(),
  SamenessGroup: text.optional(),
  Policy: z.unknown().optional(),
})

const hashPolicy = z.strictObject({
  Field: text.optional(),
  FieldValue: text.optional(),
  CookieConfig: z
    .strictObject({ Session: flag.optional(), TTL: duration.optional(), Path: text.optional() })
    .optional(),
  SourceIP: flag.optional(),
  Terminal: flag.optional(),
})

export const RESOLVER = z.strictObject({
  ...COMMON,
  DefaultSubset: text.optional(),
  Subsets: z
    .record(z.string(), z.strictObject({ Filter: text.optional(), OnlyPassing: flag.optional() }))
    .optional(),
  Redirect: z
    .strictObject({
      Service: text.optional(),
      ServiceSubset: text.optional(),
      Namespace: text.optional(),
      Partition: text.optional(),
      Datacenter: text.optional(),
      Peer: text.optional(),
      SamenessGroup: text.optional(),
    })
    .optional(),
  Failover: z.record(z.string(), failover).optional(),
  ConnectTimeout: duration.optional(),
  RequestTimeout: requestTimeout.optional(),
  LoadBalancer: z
    .strictObject({
      Policy: text.optional(),
      RingHashConfig: z.unknown().optional(),
      LeastRequestConfig: z.unknown().optional(),
      HashPolicies: z.array(hashPolicy).optional(),
    })
    .optional(),
  PrioritizeByLocality: z.unknown().optional(),
})

/** Everything but the protocol is for sidecars. */
export const DEFAULTS = z.looseObject({ ...COMMON, Protocol: text.optional() })

export const PROXY_DEFAULTS = z.looseObject({
  ...COMMON,
  Config: z.looseObject({ protocol: z.unknown().optional() }).optional(),
})

export type RouterDocument = z.output<typeof ROUTER>
export type SplitterDocument = z.output<typeof SPLITTER>
export type ResolverDocument = z.output<typeof RESOLVER>
