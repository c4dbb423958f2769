import {
  type ClientRequest,
  request as httpRequest,
  type IncomingMessage,
  type RequestOptions,
} from 'node:http'
import { request as httpsRequest } from 'node:https'
import { carriesTrace, lowerCased } from './given-headers.ts'
import { meshAddress } from './mesh-address.ts'
import type { Signer } from './signer.ts'
import type { Tracing } from './tracing.ts'

export interface Calling {
  readonly tracing: Tracing
  /** null for a service that does not say who it is. */
  readonly signer: Pick<Signer, 'authorization'> | null
  readonly proxy: string
  readonly hostSuffix: string
}

/** `mesh.request`: node's own, with the trace's headers, and to the proxy for hosts of the mesh. */
export function meshRequest(
  { tracing, signer, ...where }: Calling,
  given: string | URL,
  options: RequestOptions = {},
  callback?: (response: IncomingMessage) => void,
): ClientRequest {
  const asked = new URL(given)
  const { url, host, service } = meshAddress(asked, where)
  const own = lowerCased(options.headers)
  const call = tracing.call({ method: options.method ?? 'GET', url: asked, service }, carriesTrace(own))
  const headers = { ...call.headers, ...identityOf(signer, host), ...own, ...(host === null ? {} : { host }) }
  const start = url.protocol === 'https:' ? httpsRequest : httpRequest
  const request = start(url, { ...options, headers }, callback)
  request.once('response', ({ statusCode = 0 }) => call.end(statusCode))
  // Beside the application's listeners: an error that nobody listens for is still thrown.
  request.once('close', () => call.end(request.errored ?? new Error('the request was ended')))
  return request
}

/** Who calls is told to the mesh alone; what the application says in its place stays. */
export const identityOf = (signer: Calling['signer'], host: string | null): { authorization?: string } =>
  signer === null || host === null ? {} : { authorization: signer.authorization() }
