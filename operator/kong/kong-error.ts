import type { Json } from '../core/entity.ts'

export type KongErrorCode =
  | 'KONG_UNREACHABLE'
  | 'KONG_TIMEOUT'
  | 'KONG_DENIED'
  | 'KONG_NOT_FOUND'
  | 'KONG_EXISTS'
  | 'KONG_REJECTED'
  | 'KONG_BUSY'
  | 'KONG_FAILED'
  /** It has a database now and had none, or the other way round. */
  | 'KONG_OTHER_KIND'
  | 'NOT_LEADER'

/** An Admin call that did not do what was asked: what was tried, on what, and what came back. */
export class KongError extends Error {
  readonly code: KongErrorCode
  readonly method: string
  readonly path: string
  /** 0 when there was no answer. */
  readonly status: number
  /** What Kong answered, parsed; undefined for no answer. */
  readonly body: Json | undefined

  constructor(
    code: KongErrorCode,
    call: { readonly method: string; readonly path: string; readonly status: number },
    message: string,
    options?: { cause?: unknown; body?: Json | undefined },
  ) {
    super(`${call.method} ${call.path} ${message}`, options)
    this.name = 'KongError'
    this.code = code
    this.method = call.method
    this.path = call.path
    this.status = call.status
    this.body = options?.body
  }

  /** True when Kong as a whole cannot be talked to: no reason to try the next entity. */
  get isConnection(): boolean {
    return this.code === 'KONG_UNREACHABLE' || this.code === 'KONG_TIMEOUT'
  }
}

/** Kong's own error numbers (kong/db/errors.lua): what exists already answers 409, or 400 for a primary key. */
const PRIMARY_KEY_VIOLATION = 3
const UNIQUE_VIOLATION = 5

/** The error of an answer of 400 and more. */
export function kongError(method: string, path: string, status: number, body: Json | undefined): KongError {
  const { message, code } = (typeof body === 'object' && body !== null ? body : {}) as Record<string, Json>
  const said = typeof message === 'string' ? message : typeof body === 'string' ? body.slice(0, 200) : ''
  const call = { method, path, status }
  return new KongError(codeOf(status, code), call, `answered ${status}${said ? `: ${said}` : ''}`, { body })
}

/** The error of a call without an answer. */
export function connectionError(method: string, path: string, cause: unknown): KongError {
  const { code = '', message = String(cause) } = cause as { code?: string; message?: string }
  const isTimeout = code === 'ETIMEDOUT'
  const call = { method, path, status: 0 }
  const said = isTimeout ? 'had no answer in time' : `failed: ${message || code}`
  return new KongError(isTimeout ? 'KONG_TIMEOUT' : 'KONG_UNREACHABLE', call, said, { cause })
}

function codeOf(status: number, code: Json | undefined): KongErrorCode {
  if (status === 409 || code === PRIMARY_KEY_VIOLATION || code === UNIQUE_VIOLATION) return 'KONG_EXISTS'
  if (status === 405) return 'KONG_OTHER_KIND' // "operation unsupported" without a database
  if (status === 404) return 'KONG_NOT_FOUND'
  if (status === 401 || status === 403) return 'KONG_DENIED'
  if (status === 429) return 'KONG_BUSY'
  return status >= 500 ? 'KONG_FAILED' : 'KONG_REJECTED'
}
