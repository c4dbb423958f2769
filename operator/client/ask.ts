import { DoorError, type PlainRequest } from './door.ts'

export interface Answer {
  readonly status: number
  readonly text: string
}

/** As it is when this is loaded: whoever replaces it later does not mean us. */
const { fetch } = globalThis
const TIMEOUT_MS = 5_000

/** @throws DoorError when there is no answer */
export async function ask({ method, url, headers }: PlainRequest, body?: unknown): Promise<Answer> {
  try {
    const answer = await fetch(url, {
      method,
      headers: body === undefined ? headers : { ...headers, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      redirect: 'manual',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    return { status: answer.status, text: await answer.text() }
  } catch (error) {
    const reason = ((error as Error).cause as Error | undefined)?.message || (error as Error).message
    throw new DoorError(`${method} ${url}: ${reason}`, false, error)
  }
}

/** @throws DoorError naming what was answered */
export function refuse({ method, url }: PlainRequest, { status, text }: Answer): never {
  const isRefusal = status >= 400 && status < 500 && status !== 408 && status !== 429
  throw new DoorError(`${method} ${url} answered ${status}: ${text.trim().slice(0, 300)}`, isRefusal)
}
