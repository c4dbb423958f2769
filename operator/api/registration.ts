/** A body of `POST /register` as what Consul's agent is told. */

import { isIP } from 'node:net'
import { z } from 'zod'
import { targetOf } from '../core/target-address.ts'
import { CHECK_META } from './check-meta.ts'

/** Consul's own words: https://developer.hashicorp.com/consul/api-docs/agent/service#register-service */
export interface AgentRegistration {
  readonly ID: string
  readonly Name: string
  readonly Address: string
  readonly Port: number
  readonly Tags: readonly string[]
  readonly Meta: Readonly<Record<string, string>>
  readonly Weights?: { readonly Passing: number; readonly Warning: number }
  readonly Check: Readonly<Record<string, string | boolean>>
}

/** What a check of a registration is, for an agent that has to take it over. */
export interface RememberedTtl {
  readonly ttl: string
  readonly deregister_after: string
}

/** Go's durations, as Consul takes them, without fractions of a millisecond. */
const DURATION = /^(?:\d{1,6}(?:\.\d{1,3})?(?:ms|s|m|h))+$/
const duration = z
  .string()
  .regex(DURATION, 'must be a duration like 500ms, 10s or 1m30s')
  .refine((text) => /[1-9]/.test(text), 'must be more than nothing')

const ownOr = (what: string) =>
  z.union(
    [z.literal(true), z.string().min(1).max(500)],
    `must be true (the instance's own address) or ${what}`,
  )

export const registerBody = {
  service_name: z.string().regex(/^[a-z0-9-]{1,64}$/, 'must be 1 to 64 of a-z, 0-9 and -'),
  address: z.string().min(1, 'must not be empty').max(253),
  port: z.int('must be a whole number').min(1, 'must be 1 to 65535').max(65_535, 'must be 1 to 65535'),
  tags: z
    .array(z.string().min(1, 'must not be empty').max(255), 'must be a list of texts')
    .max(100)
    .optional(),
  metadata: z
    .record(
      z.string().regex(/^[A-Za-z0-9_-]{1,128}$/, 'must be 1 to 128 of A-Z, a-z, 0-9, _ and -'),
      z.json(),
    )
    .optional(),
  weight: z.int('must be a whole number').min(0).max(65_535, 'must be 0 to 65535').optional(),
  health_check: z
    .strictObject({
      http: z.string().min(1).max(2_000).optional(),
      tcp: ownOr('host:port').optional(),
      ttl: duration.optional(),
      grpc: ownOr('host:port/service').optional(),
      interval: duration.optional(),
      timeout: duration.optional(),
      deregister_after: duration.optional(),
    })
    .optional(),
}
export type RegisterBody = z.infer<z.ZodObject<typeof registerBody>>

export type Registered =
  | { readonly ok: true; readonly registration: AgentRegistration }
  | { readonly ok: false; readonly field: string; readonly message: string }

const MOST_META = 63
const MOST_META_CHARS = 512
const EXPOSE_TAG = 'kongsul.enable=true'

/** The defaults of the contract fill in what is not said; the instance is reachable through the proxy unless a tag says no. */
export function registrationOf(body: RegisterBody): Registered {
  const { service_name: name, port, tags = [], weight } = body
  const address = body.address.replace(/^\[(.*)\]$/, '$1')
  const target = targetOf(address, port)
  if (!target.ok) return refused('address', target.reason)
  const metadata = Object.entries(body.metadata ?? {})
  if (metadata.length > MOST_META) return refused('metadata', `must have at most ${MOST_META} entries`)
  const meta: Record<string, string> = {}
  for (const [key, value] of metadata) {
    const text = typeof value === 'string' ? value : JSON.stringify(value)
    if (text.length > MOST_META_CHARS) {
      return refused(`metadata.${key}`, `must be at most ${MOST_META_CHARS} characters long`)
    }
    if (key === CHECK_META) return refused(`metadata.${key}`, 'is kept by kongsul')
    meta[key] = text
  }
  const checked = checkOf(body, address)
  if (!checked.ok) return checked
  if (checked.remembered !== null) meta[CHECK_META] = JSON.stringify(checked.remembered)
  // Consul refuses a weight of 0.
  if (weight === 0) meta['mesh-weight'] = '0'
  const exposed = tags.some((tag) => tag.startsWith('kongsul.enable=')) ? [] : [EXPOSE_TAG]
  return {
    ok: true,
    registration: {
      ID: serviceIdOf(body),
      Name: name,
      Address: address,
      Port: port,
      Tags: [...new Set([...tags, ...exposed])],
      Meta: meta,
      ...(weight === undefined || weight === 0
        ? {}
        : { Weights: { Passing: weight, Warning: Math.min(weight, 1) } }),
      Check: checked.check,
    },
  }
}

export const serviceIdOf = ({ service_name, address, port }: RegisterBody): string =>
  `${service_name}-${address.replace(/^\[(.*)\]$/, '$1')}-${port}`

/** Registered anew from what the catalog says, by the agent that takes an instance over; null: it has no TTL check. */
export function takenOver(
  service: string,
  instance: {
    readonly id: string
    readonly address: string
    readonly port: number
    readonly tags: readonly string[]
    readonly meta: Readonly<Record<string, string>>
    readonly weights: { readonly passing: number; readonly warning: number }
  },
): AgentRegistration | null {
  const remembered = rememberedTtl(instance.meta[CHECK_META])
  if (remembered === null) return null
  return {
    ID: instance.id,
    Name: service,
    Address: instance.address,
    Port: instance.port,
    Tags: instance.tags,
    Meta: instance.meta,
    Weights: { Passing: instance.weights.passing, Warning: instance.weights.warning },
    Check: ttlCheck(remembered),
  }
}

type Checked =
  | {
      readonly ok: true
      readonly check: AgentRegistration['Check']
      readonly remembered: RememberedTtl | null
    }
  | { readonly ok: false; readonly field: string; readonly message: string }

const KINDS = ['http', 'tcp', 'ttl', 'grpc'] as const

function checkOf({ health_check: asked = {}, port }: RegisterBody, address: string): Checked {
  const kinds = KINDS.filter((kind) => asked[kind] !== undefined)
  if (kinds.length > 1)
    return refused('health_check', `must be one of ${KINDS.join(', ')}, not ${kinds.join(' and ')}`)
  const { interval = '10s', timeout = '5s', deregister_after: after = '1m' } = asked
  if (asked.ttl !== undefined) {
    for (const field of ['interval', 'timeout'] as const) {
      if (asked[field] !== undefined) return refused(`health_check.${field}`, 'means nothing with ttl')
    }
    const remembered = { ttl: asked.ttl, deregister_after: after }
    return { ok: true, check: ttlCheck(remembered), remembered }
  }
  const timing = { Interval: interval, Timeout: timeout, DeregisterCriticalServiceAfter: after }
  const own = isIP(address) === 6 ? `[${address}]:${port}` : `${address}:${port}`
  const [kind = 'http'] = kinds
  if (kind === 'http') {
    const url = httpUrl(asked.http ?? '/health', own, address)
    if (url === null) {
      return refused('health_check.http', `must be a path, or a URL of the instance's own address ${address}`)
    }
    return { ok: true, check: { HTTP: url, ...timing }, remembered: null }
  }
  const asks = asked[kind as 'tcp' | 'grpc']
  const place = asks === true ? own : String(asks)
  if (!isOwnPlace(place, address)) {
    return refused(`health_check.${kind}`, `must be true, or a port of the instance's own address ${address}`)
  }
  return { ok: true, check: { [kind.toUpperCase()]: place, ...timing }, remembered: null }
}

const ttlCheck = ({ ttl, deregister_after }: RememberedTtl) => ({
  TTL: ttl,
  // Whoever registers is alive.
  Status: 'passing',
  DeregisterCriticalServiceAfter: deregister_after,
})

/** A check must not make Consul ask others than the instance. */
function httpUrl(text: string, own: string, address: string): string | null {
  const isPath = text.startsWith('/') && !text.startsWith('//') && !text.includes('\\')
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is refused
  if (/[\u0000-\u0020\u007f]/.test(text)) return null
  const whole = isPath ? `http://${own}${text}` : text
  if (!/^https?:\/\//i.test(whole) || !URL.canParse(whole)) return null
  const url = new URL(whole)
  if (url.username !== '' || url.password !== '' || !isSameHost(url.hostname, address)) return null
  return isPath ? whole : url.href
}

function isOwnPlace(place: string, address: string): boolean {
  const [, host, port] = /^(\[[^\]]+\]|[^:/]+):(\d{1,5})(?:\/[A-Za-z0-9_.-]*)?$/.exec(place) ?? []
  if (host === undefined || Number(port) < 1 || Number(port) > 65_535) return false
  return isSameHost(host, address)
}

/** Compared as Kong would write them, so that one address cannot pass for another. */
function isSameHost(one: string, other: string): boolean {
  const [left, right] = [targetOf(one, 1), targetOf(other, 1)]
  return left.ok && right.ok && left.target === right.target
}

function rememberedTtl(text: string | undefined): RememberedTtl | null {
  try {
    const { ttl, deregister_after } = JSON.parse(text ?? '') as Partial<RememberedTtl>
    return typeof ttl === 'string' && typeof deregister_after === 'string' ? { ttl, deregister_after } : null
  } catch {
    return null // registered by somebody else, or without TTL
  }
}

const refused = (field: string, message: string) => ({ ok: false, field, message }) as const
