import { once } from 'node:events'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ReadableStream } from 'node:stream/web'
import { carriesTrace, lowerCased } from './given-headers.ts'
import { meshAddress } from './mesh-address.ts'
import { type Calling, identityOf } from './mesh-request.ts'

/** Statuses whose answers have no body, which `Response` insists on. */
const BODILESS = new Set([101, 204, 205, 304])

/** `mesh.fetch`. */
export const meshFetch =
  ({ tracing, signer, ...where }: Calling): typeof fetch =>
  async (input, init) => {
    const request = new Request(input, init)
    const asked = new URL(request.url)
    const { url, host, service } = meshAddress(asked, where)
    const given = lowerCased(request.headers)
    const call = tracing.call({ method: request.method, url: asked, service }, carriesTrace(given))
    for (const [name, value] of Object.entries({ ...call.headers, ...identityOf(signer, host) })) {
      if (request.headers.has(name)) continue
      for (const each of [value].flat()) request.headers.append(name, each)
    }
    try {
      const answer = host === null ? await fetch(request) : await throughProxy(request, url, host)
      call.end(answer.status)
      return answer
    } catch (error) {
      call.end(error as Error)
      throw error
    }
  }

/** The global fetch cannot say another Host than that of its URL, which is what the proxy goes by. */
async function throughProxy(request: Request, url: URL, host: string): Promise<Response> {
  const start = url.protocol === 'https:' ? httpsRequest : httpRequest
  const headers = {
    'accept-encoding': 'identity',
    accept: '*/*',
    ...Object.fromEntries(request.headers),
    host,
  }
  const call = start(url, { method: request.method, headers, signal: request.signal })
  // Errors after the answer has begun are told by its body.
  call.on('error', () => {})
  try {
    const answered = once(call, 'response') as Promise<[IncomingMessage]>
    if (request.body === null) call.end()
    else {
      const body = Readable.fromWeb(request.body as ReadableStream)
      // An answer may come before the whole body has gone out; then this is not waited for.
      pipeline(body, call).catch((error) => call.destroy(error))
    }
    const [answer] = await answered
    return responseOf(answer, request.method)
  } catch (error) {
    if (request.signal.aborted) throw request.signal.reason
    throw new TypeError('fetch failed', { cause: error })
  }
}

function responseOf(answer: IncomingMessage, method: string): Response {
  const status = answer.statusCode ?? 502
  const headers = new Headers()
  for (const [name, values = []] of Object.entries(answer.headersDistinct)) {
    for (const value of values) headers.append(name, value)
  }
  const isBodiless = BODILESS.has(status) || method === 'HEAD'
  if (isBodiless) answer.resume()
  const body = isBodiless ? null : (Readable.toWeb(answer) as ConstructorParameters<typeof Response>[0])
  return new Response(body, { status, statusText: answer.statusMessage ?? '', headers })
}
