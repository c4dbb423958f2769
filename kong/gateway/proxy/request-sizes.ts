/** Sizes that nginx's access log shows, in bytes. */
import type { RequestContext } from './request-context.ts'

/** `$request_length`: request line, headers and body. The chunks of a body without length are counted without framing. */
export function requestLength(context: RequestContext): number {
  const { request } = context
  if (request.rawHeaders.length === 0 && !request.url) return 0
  let length = context.method.length + (request.url ?? '').length + 'HTTP/1.1'.length + 2 + 2 + 2
  for (let i = 0; i < request.rawHeaders.length; i += 2) {
    length += request.rawHeaders[i]!.length + request.rawHeaders[i + 1]!.length + 4
  }
  return length + (context.body?.sizeBytes ?? Number(context.header('content-length') ?? 0))
}

/** `$bytes_sent`: head and body of the answer. */
export function sentBytes({ response, bytesSent }: RequestContext): number {
  if (!response.headersSent) return 0
  const head = (response as { _header?: string | null })._header
  return (head?.length ?? 0) + bytesSent
}

/** Bytes that the framing of a body piece adds; 0 for bodies with a length. */
export function framingBytes(isChunked: boolean, pieceBytes: number): number {
  if (!isChunked || pieceBytes === 0) return 0
  return pieceBytes.toString(16).length + 4
}

/** `0\r\n\r\n` */
export const LAST_CHUNK_BYTES = 5
