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

  constructor(code: ConsulErrorCode, endpoint: string, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.name = 'ConsulError'
    this.code = code
    this.endpoint = endpoint
  }
}

interface PapiError extends Error {
  readonly isAbort?: boolean
  readonly isTimeout?: boolean
  readonly isResponse?: boolean
  readonly response?: { readonly statusCode?: number; readonly body?: unknown }
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
  const message = `${endpoint} answered ${status}${body ? `: ${body}` : ''}`
  return new ConsulError(codeOf(status, body), endpoint, message, { cause })
}

/** Consul 1.8 answers an ACL denial with 403 and a lost leader with 500 and these words in the body. */
function codeOf(status: number, body: string): ConsulErrorCode {
  if (status === 403 || /permission denied|ACL not found/i.test(body)) return 'CONSUL_DENIED'
  if (status === 429) return 'CONSUL_BUSY'
  if (/no cluster leader/i.test(body)) return 'CONSUL_NO_LEADER'
  return 'CONSUL_REFUSED'
}
