/** What documents may hold of the settings that become plugins of Kong's own (see traffic-settings.ts). */

import { z } from 'zod'
import {
  listOf,
  numberFrom,
  oneOf,
  path,
  section,
  someOf,
  textLike,
  wholeNumber,
  yesOrNo,
} from '../settings-value.ts'
import { CORS_METHODS } from './traffic-settings.ts'

const perPeriod = wholeNumber(1, 1_000_000_000)

/** Kong takes no `.` in the name of a header to count by, nor in others that it is configured with. */
export const headerName = textLike(/^[A-Za-z0-9_-]+$/, 'a header name')

export const rateLimit = section({
  enabled: yesOrNo().optional(),
  second: perPeriod.optional(),
  minute: perPeriod.optional(),
  hour: perPeriod.optional(),
  day: perPeriod.optional(),
  limitBy: oneOf(['service', 'consumer', 'credential', 'ip', 'header', 'path']).optional(),
  header: headerName.optional(),
  path: path().optional(),
  policy: oneOf(['local', 'redis']).optional(),
  hideHeaders: yesOrNo().optional(),
})

export const requestSize = section({
  enabled: yesOrNo().optional(),
  maxBytes: wholeNumber(1, Number.MAX_SAFE_INTEGER).optional(),
  requireContentLength: yesOrNo().optional(),
})

/** Whether it is an address is Kong's to say: it is asked before anything is written. */
const addresses = listOf(
  textLike(/^[0-9A-Fa-f.:]+(?:\/\d{1,3})?$/, 'an address or a CIDR block such as 10.0.0.0/8'),
  1_000,
)

export const access = section({
  enabled: yesOrNo().optional(),
  allow: addresses.optional(),
  deny: addresses.optional(),
})

export const cors = section({
  enabled: yesOrNo().optional(),
  origins: someOf(
    textLike(/^\S+$/, 'an origin such as https://shop.example.com, a regular expression, or *'),
    100,
  ).optional(),
  methods: someOf(oneOf(CORS_METHODS), 9).optional(),
  headers: listOf(headerName, 100).optional(),
  exposedHeaders: listOf(headerName, 100).optional(),
  credentials: yesOrNo().optional(),
  maxAgeSeconds: numberFrom(0, 86_400).optional(),
  passPreflight: yesOrNo().optional(),
})

/** Kong routes and balances by Host; the others tell kongsul's access log which service a request was for. */
const KEPT = /^(?:host|x-mesh-route|x-mesh-span)$/i
export const changeableHeader = headerName.refine((name) => !KEPT.test(name), {
  error: 'must not name Host, X-Mesh-Route or X-Mesh-Span: the gateway needs them',
})

const VALUE_ERROR = 'must be text of 1 to 4000 visible characters that does not begin with a colon'
const value = z
  .string({ error: VALUE_ERROR })
  .regex(/^[\x21-\x39\x3b-\x7e][\x20-\x7e]{0,3999}$/, { error: VALUE_ERROR })
const requestValue = value.refine((text) => !text.includes('$('), {
  error: 'must not have $(, which Kong would take for a template',
})

const named = <T extends z.ZodType>(item: T) =>
  z
    .record(z.string(), item, { error: 'must be an object of header names and values' })
    .superRefine((headers, context) => {
      for (const name of Object.keys(headers)) {
        const [fault] = changeableHeader.safeParse(name).error?.issues ?? []
        if (fault !== undefined) context.addIssue({ code: 'custom', path: [name], message: fault.message })
      }
    })
    .optional()

const rules = <T extends z.ZodType>(item: T) =>
  section({
    remove: listOf(changeableHeader, 100).optional(),
    rename: named(changeableHeader),
    set: named(item),
    add: named(item),
  })

export const headers = section({ request: rules(requestValue).optional(), response: rules(value).optional() })
