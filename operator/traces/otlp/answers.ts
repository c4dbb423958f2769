// What OTLP/HTTP answers, in the encoding of the request.
// https://opentelemetry.io/docs/specs/otlp/#otlphttp-response
import type { Encoding, Taken } from '../trace-collector.ts'

export const CONTENT_TYPES: Readonly<Record<Encoding, string>> = {
  json: 'application/json',
  protobuf: 'application/x-protobuf',
}

/** ExportTraceServiceResponse; without partial success where all went well. */
export function responseBody(encoding: Encoding, { rejected, reason }: Taken): Buffer {
  if (encoding === 'json') {
    const partialSuccess = { rejectedSpans: String(rejected), errorMessage: reason }
    return Buffer.from(rejected === 0 ? '{}' : JSON.stringify({ partialSuccess }))
  }
  if (rejected === 0) return Buffer.alloc(0)
  return field(1, Buffer.concat([Buffer.from([0x08]), varint(rejected), field(2, Buffer.from(reason))]))
}

/** google.rpc.Status. */
export function statusBody(encoding: Encoding, httpStatus: number, message: string): Buffer {
  const code = RPC_CODES[httpStatus] ?? (httpStatus >= 500 ? 13 : 3)
  if (encoding === 'json') return Buffer.from(JSON.stringify({ code, message }))
  return Buffer.concat([Buffer.from([0x08]), varint(code), field(2, Buffer.from(message))])
}

/** https://github.com/googleapis/googleapis/blob/master/google/rpc/code.proto */
const RPC_CODES: Readonly<Record<number, number>> = {
  400: 3,
  401: 16,
  403: 7,
  404: 5,
  405: 12,
  408: 4,
  413: 8,
  415: 3,
  421: 3,
  429: 8,
  500: 13,
  503: 14,
}

const field = (number: number, bytes: Buffer): Buffer =>
  Buffer.concat([Buffer.from([(number << 3) | 2]), varint(bytes.length), bytes])

function varint(value: number): Buffer {
  const bytes: number[] = []
  let left = value
  for (; left >= 0x80; left = Math.floor(left / 128)) bytes.push((left % 128) | 0x80)
  bytes.push(left)
  return Buffer.from(bytes)
}
