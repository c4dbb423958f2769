// One call of a service of the mesh through Kong's proxy, so that balancing, breaker, tracing and policies apply.
import { type ProxyClient, ProxyFailure } from '../call/proxy-client.ts'

export interface ServiceCall {
  /** With its query. */
  readonly path: string
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** From the call to the end of its answer, in ms. */
  readonly timeoutMs: number
}

export interface ServiceAnswer {
  readonly status: number
  readonly body: string
}

/** @throws CallError when there is no answer */
export type CallService = (service: string, call: ServiceCall) => Promise<ServiceAnswer>

/** No answer. */
export class CallError extends Error {
  /** Has nothing of the call gone out? Then it may be made again. */
  readonly isUnsent: boolean

  constructor(message: string, isUnsent: boolean, options?: { readonly cause?: unknown }) {
    super(message, options)
    this.name = 'CallError'
    this.isUnsent = isUnsent
  }
}

/** Of an answer, which is an entry of a stream then. */
export const LONGEST_ANSWER_BYTES = 1_048_576

/** @param hostOf host by which Kong routes to the service */
export function callServiceThrough(proxy: ProxyClient, hostOf: (service: string) => string): CallService {
  return async (service, { path, method, headers, body, timeoutMs }) => {
    const signal = AbortSignal.timeout(timeoutMs)
    const request = { method, host: hostOf(service), path, headers, data: Buffer.from(body) }
    try {
      const { status, bytes } = await proxy.send(request, signal)
      return { status, body: bytes.toString() }
    } catch (error) {
      const why = signal.aborted ? `no answer within ${timeoutMs} ms` : (error as Error).message
      const isUnsent = error instanceof ProxyFailure && error.kind === 'connect'
      throw new CallError(`${service}: ${why}`, isUnsent, { cause: error })
    }
  }
}
