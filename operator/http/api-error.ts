export interface ApiError {
  readonly error: { readonly code: string; readonly message: string; readonly details: readonly unknown[] }
  /** The same message where clients of the old API look for it. */
  readonly detail: string
}

/** The one shape of every error body. */
export function apiError(code: string, message: string, details: readonly unknown[] = []): ApiError {
  return { error: { code, message, details }, detail: message }
}

export const CODES: Readonly<Record<number, string>> = {
  400: 'malformed',
  401: 'unauthenticated',
  403: 'forbidden',
  404: 'not_found',
  405: 'method_not_allowed',
  408: 'timeout',
  409: 'conflict',
  413: 'too_large',
  415: 'unsupported_media_type',
  421: 'misdirected',
  422: 'invalid',
  429: 'too_many_requests',
  431: 'too_large',
  500: 'internal',
  502: 'bad_gateway',
  503: 'unavailable',
  504: 'timeout',
}
