import { ByteWriter } from '../msgpack/byte-writer.ts'
import { encode, encodeInto, encodeNumber, encodeString } from '../msgpack/encode.ts'

// A message of the protocol is [type, message id, error, result]; https://github.com/Kong/go-pluginserver names the
// types: 0 request, 1 response, 2 notification. Replies are written one behind the other.
const writer = new ByteWriter()

const RET = encode('ret')
const DATA = encode('Data')
const EVENT_ID = encode('EventId')
const METHOD = encode('Method')
const ARGS = encode('Args')

/** A PDK call for Kong to make. */
export interface PdkCall {
  readonly method: string
  readonly args: readonly unknown[]
}

/** `[1, messageId, nil, result]`. @throws TypeError when `result` cannot be sent. */
export function resultReply(messageId: unknown, result: unknown): Uint8Array {
  begin(messageId)
  writer.byte(0xc0)
  encodeInto(writer, result)
  return writer.takeBytes()
}

/** `[1, messageId, error, nil]`. Kong logs the text, and starts an instance again when it says "no plugin instance". */
export function errorReply(messageId: unknown, error: string): Uint8Array {
  begin(messageId)
  encodeString(writer, error)
  writer.byte(0xc0)
  return writer.takeBytes()
}

/** The reply that ends an event: `{Data: "ret", EventId}`. */
export function endReply(messageId: unknown, eventId: number): Uint8Array {
  beginEvent(messageId)
  writer.raw(RET)
  return endEvent(eventId)
}

/** The reply that has Kong make a call: `{Data: {Method, Args}, EventId}`. @throws TypeError when it cannot be sent. */
export function callReply(messageId: unknown, call: PdkCall, eventId: number): Uint8Array {
  beginEvent(messageId)
  writeCall(call)
  return endEvent(eventId)
}

/** The same for a call that was encoded before. */
export function encodedCallReply(messageId: unknown, body: Uint8Array, eventId: number): Uint8Array {
  beginEvent(messageId)
  writer.raw(body)
  return endEvent(eventId)
}

/** `{Method, Args}`. @throws TypeError when an argument cannot be sent. */
export function encodeCall(call: PdkCall): Uint8Array {
  writer.reset()
  writeCall(call)
  return writer.takeBytes()
}

function writeCall({ method, args }: PdkCall): void {
  writer.byte(0x82)
  writer.raw(METHOD)
  encodeString(writer, method)
  writer.raw(ARGS)
  encodeInto(writer, args)
}

function begin(messageId: unknown): void {
  writer.reset()
  writer.byte(0x94)
  writer.byte(1)
  if (typeof messageId === 'number') encodeNumber(writer, messageId)
  else encodeInto(writer, messageId)
}

function beginEvent(messageId: unknown): void {
  begin(messageId)
  writer.byte(0xc0)
  writer.byte(0x82)
  writer.raw(DATA)
}

function endEvent(eventId: number): Uint8Array {
  writer.raw(EVENT_ID)
  encodeNumber(writer, eventId)
  return writer.takeBytes()
}
