/** Why a read of Consul cannot be used. Each of them is doubt: nothing in Kong changes because of it. */
export type ConsulErrorCode =
  | 'CONSUL_UNREACHABLE'
  | 'CONSUL_TIMEOUT'
  | 'CONSUL_REFUSED'
  | 'CONSUL_DENIED'
  | 'CONSUL_BUSY'
  | 'CONSUL_NO_LEADER'
  | 'CONSUL_STALE'
  | 'CONSUL_NOT_READY'
  | 'CONSUL_ABORTED'

export class ConsulError extends Error {
  readonly code: ConsulErrorCode
  readonly endpoint: string
  /** Of the answer; null when there was none, or its status was no fault. */
  readonly status: number | null
  /** How long the answer asks to be left alone (Retry-After), in ms; null where it does not say. */
  readonly retryAfterMs: number | null

  constructor(code: ConsulErrorCode, endpoint: string, message: string, options: ConsulErrorOptions = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause })
    this.name = 'ConsulError'
    this.code = code
    this.endpoint = endpoint
    this.status = options.status ?? null
    this.retryAfterMs = options.retryAfterMs ?? null
  }
}

export interface ConsulErrorOptions {
  readonly cause?: unknown
  readonly status?: number
  readonly retryAfterMs?: number | null
}

/** Does a failed read of one service say nothing about the others? Consul answered, and not that it is in trouble. */
export const isAboutOneService = ({ status }: ConsulError): boolean =>
  status !== null && status >= 400 && status < 500 && status !== 429

interface PapiError extends Error {
  readonly isAbort?: boolean
  readonly isTimeout?: boolean
  readonly isResponse?: boolean
  readonly response?: {
    readonly statusCode?: number
    readonly body?: unknown
    readonly headers?: Readonly<Record<string, string | readonly string[] | undefined>>
  }
}

/** Names what happened, from what the `consul` package throws. */
export function consulError(endpoint: string, error: unknown): ConsulError {
  if (error instanceof ConsulError) return error
  const cause = error as PapiError
  if (cause.isAbort) return new ConsulError('CONSUL_ABORTED', endpoint, 'the read was given up', { cause })
  if (cause.isTimeout) {
    return new ConsulError('CONSUL_TIMEOUT', endpoint, `${endpoint}: no answer in time`, { cause })
  }
  const status = cause.isResponse ? cause.response?.statusCode : undefined
  if (status === undefined) {
    return new ConsulError('CONSUL_UNREACHABLE', endpoint, `${endpoint}: ${cause.message}`, { cause })
  }
  const body = String(cause.response?.body ?? '')
    .trim()
    .slice(0, 200)
  const code = codeOf(status, body)
  const needs =
    code === 'CONSUL_DENIED' ? PERMISSIONS.find(([start]) => endpoint.startsWith(start))?.[1] : undefined
  const remedy = isUnknownKind(body)
    ? '; this Consul is too old for entries of this kind'
    : needs === undefined
      ? ''
      : isUnknownToken(body)
        ? '; Consul does not know the token: it has expired or was deleted'
        : `; the token needs ${needs}`
  const message = `${endpoint} answered ${status}${body ? `: ${body}` : ''}${remedy}`
  const retryAfterMs = retryAfter(String(cause.response?.headers?.['retry-after'] ?? ''), Date.now())
  return new ConsulError(code, endpoint, message, { cause, status, retryAfterMs })
}

/** What a Consul that is too old for a kind of configuration entries says: with 500 (1.8.7) or 400. */
export const isUnknownKind = (text: string): boolean => /invalid config entry kind/i.test(text)

const isUnknownToken = (text: string): boolean => /ACL not found/i.test(text)

const SERVICES_WRITTEN = 'service_prefix "" write'

/** What has to be in the token's policy, by the start of the endpoint. */
const PERMISSIONS: readonly (readonly [endpoint: string, permission: string])[] = [
  ['kv.set mesh-secrets/', 'key_prefix "mesh-secrets/identities/" write'],
  ['kv.delete mesh-secrets/', 'key_prefix "mesh-secrets/identities/" write'],
  ['kv.get', 'key_prefix "mesh/" read'],
  ['kv.', 'key_prefix "mesh/" write'],
  ['config.set', SERVICES_WRITTEN],
  ['config.delete', SERVICES_WRITTEN],
  ['config.', 'service_prefix "" read'],
  ['connect.', 'service_prefix "" read, and no rule that takes intentions away'],
  ['session.', 'session_prefix "" write'],
  // Of services that are registered through the API, at whatever agent; the operator's own follow.
  ['agent.service.register at', SERVICES_WRITTEN],
  ['agent.service.deregister at', SERVICES_WRITTEN],
  ['agent.check.update at', SERVICES_WRITTEN],
  ['agent.', 'service "kongsul-operator" write and agent_prefix "" read'],
  ['', 'service_prefix "" read and node_prefix "" read'],
]

/** A minute at most: whoever asks for more is asked again. */
const LONGEST_RETRY_MS = 60_000

/** Seconds or a date, RFC 9110 section 10.2.3; null for anything else. */
export function retryAfter(text: string, nowMs: number): number | null {
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - nowMs
  return Number.isFinite(ms) ? Math.min(Math.max(ms, 0), LONGEST_RETRY_MS) : null
}

/** Consul 1.8 answers an ACL denial with 403 and a lost leader with 500 and these words in the body. */
function codeOf(status: number, body: string): ConsulErrorCode {
  if (status === 403 || /permission denied|ACL not found/i.test(body)) return 'CONSUL_DENIED'
  if (status === 429) return 'CONSUL_BUSY'
  if (/no cluster leader/i.test(body)) return 'CONSUL_NO_LEADER'
  return 'CONSUL_REFUSED'
}
