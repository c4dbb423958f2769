// Asks the API of the origin that this page came from, and nobody else. The token lives here, in memory alone.
import { breath } from './breath.ts'
import { Store } from './store.ts'

/** Why there is no answer. */
export interface Failure {
  /**
   * `unreachable`: nobody answers. `denied`: a token is needed, or another one. `absent`: this operator has no such thing.
   * `refused`: it says no, or cannot at the moment.
   */
  readonly kind: 'unreachable' | 'denied' | 'absent' | 'refused'
  readonly message: string
  /** Of the answer; 0 without one. */
  readonly status: number
}

export class ApiFailure extends Error {
  readonly failure: Failure

  constructor(failure: Failure) {
    super(failure.message)
    this.failure = failure
  }
}

/** Beside what the page shows; where it is served below a prefix, the API is below the same. */
const BASE = new URL('api/v1/mesh/v2/', new URL('.', location.href))
const TIMEOUT_MS = 15_000
/** Takes long enough to parse to be a task of its own. */
const LARGE_CHARS = 100_000

export const token = new Store<string>('')

/** Somebody has to show a token before anything can be read. */
export const tokenNeeded = new Store<boolean>(false)

export const headersNow = (): Record<string, string> =>
  token.get() === '' ? {} : { authorization: `Bearer ${token.get()}` }

export const apiUrl = (path: string): string => new URL(path, BASE).href

/** @throws ApiFailure; AbortError when the signal says so */
export async function readJson<T>(path: string, signal?: AbortSignal): Promise<T> {
  return await ask<T>('GET', path, undefined, signal)
}

/** @throws ApiFailure */
export async function writeJson<T>(
  method: 'POST' | 'PUT' | 'DELETE',
  path: string,
  body?: object,
): Promise<T> {
  return await ask<T>(method, path, body)
}

async function ask<T>(method: string, path: string, body?: object, signal?: AbortSignal): Promise<T> {
  const limit = AbortSignal.timeout(TIMEOUT_MS)
  let response: Response
  let text: string
  try {
    response = await fetch(apiUrl(path), {
      method,
      headers: {
        ...headersNow(),
        accept: 'application/json',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: signal === undefined ? limit : anyOf(signal, limit),
      cache: 'no-store',
      credentials: 'omit',
    })
    text = await response.text()
  } catch (error) {
    if (signal?.aborted) throw error
    const message = limit.aborted ? `no answer within ${TIMEOUT_MS / 1000} s` : 'the operator does not answer'
    throw new ApiFailure({ kind: 'unreachable', message, status: 0 })
  }
  if (text.length > LARGE_CHARS) await breath()
  const parsed = parse(text)
  if (response.ok && parsed !== undefined) {
    tokenNeeded.set(false)
    return parsed as T
  }
  throw new ApiFailure(failureOf(response.status, parsed))
}

function failureOf(status: number, parsed: unknown): Failure {
  const said = (parsed as { error?: { message?: unknown } } | undefined)?.error?.message
  const message = typeof said === 'string' ? said : `the operator answered ${status}`
  if (status === 401 || status === 403) {
    if (status === 401) tokenNeeded.set(true)
    return { kind: 'denied', message, status }
  }
  return { kind: status === 404 ? 'absent' : 'refused', message, status }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // an error page of something in between
  }
}

/** AbortSignal.any is younger than the browsers that this page runs in. */
function anyOf(...signals: readonly AbortSignal[]): AbortSignal {
  const either = new AbortController()
  for (const signal of signals) {
    if (signal.aborted) either.abort(signal.reason)
    else signal.addEventListener('abort', () => either.abort(signal.reason), { once: true })
  }
  return either.signal
}
