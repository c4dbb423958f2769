import { ByteWriter } from './byte-writer.ts'

const MAX_DEPTH = 100
/** Strings up to this length are tried as ASCII first: most are header names and method names. */
const ASCII_TRIED = 64

/**
 * Writes `value` as MessagePack, choosing the same forms as @msgpack/msgpack 2, which kong-pdk uses: the shortest
 * integer, str8 where it fits, float64, nil for undefined.
 * @throws TypeError for what has no such form: functions, symbols, bigints, and values nested deeper than 100.
 */
export function encodeInto(writer: ByteWriter, value: unknown, depth = 0): void {
  if (typeof value === 'string') encodeString(writer, value)
  else if (typeof value === 'number') encodeNumber(writer, value)
  else if (typeof value === 'boolean') writer.byte(value ? 0xc3 : 0xc2)
  else if (value === undefined || value === null) writer.byte(0xc0)
  else if (typeof value === 'object') encodeObject(writer, value, depth)
  else throw new TypeError(`a ${typeof value} cannot be sent to Kong`)
}

/** `value` as MessagePack. @throws TypeError as {@link encodeInto}. */
export function encode(value: unknown): Buffer {
  const writer = new ByteWriter(256)
  encodeInto(writer, value)
  return writer.take()
}

export function encodeString(writer: ByteWriter, text: string): void {
  const { length } = text
  if (length <= ASCII_TRIED) {
    const start = writer.length
    if (length < 32) writer.byte(0xa0 | length)
    else {
      writer.byte(0xd9)
      writer.byte(length)
    }
    if (writer.ascii(text)) return
    writer.truncate(start)
  }
  const sizeBytes = Buffer.byteLength(text)
  if (sizeBytes < 32) writer.byte(0xa0 | sizeBytes)
  else writeLength(writer, sizeBytes, 0xd9, 0xda, 0xdb)
  writer.utf8(text, sizeBytes)
}

export function encodeNumber(writer: ByteWriter, value: number): void {
  if (!Number.isSafeInteger(value)) writer.float64(value)
  else if (value >= 0) {
    if (value < 0x80) writer.byte(value)
    else if (value < 0x100) {
      writer.byte(0xcc)
      writer.byte(value)
    } else if (value < 0x10000) writer.uint16(0xcd, value)
    else if (value < 0x100000000) writer.uint32(0xce, value)
    else writer.int64(0xcf, value)
  } else if (value >= -0x20) writer.byte(0x100 + value)
  else if (value >= -0x80) {
    writer.byte(0xd0)
    writer.byte(0x100 + value)
  } else if (value >= -0x8000) writer.uint16(0xd1, 0x10000 + value)
  else if (value >= -0x80000000) writer.uint32(0xd2, 0x100000000 + value)
  else writer.int64(0xd3, value)
}

function encodeObject(writer: ByteWriter, value: object, depth: number): void {
  if (depth > MAX_DEPTH) throw new TypeError(`a value nested deeper than ${MAX_DEPTH} cannot be sent to Kong`)
  if (Array.isArray(value)) {
    const { length } = value
    if (length < 16) writer.byte(0x90 | length)
    else writeLength(writer, length, null, 0xdc, 0xdd)
    for (let i = 0; i < length; i++) encodeInto(writer, value[i], depth + 1)
  } else if (ArrayBuffer.isView(value)) {
    writeLength(writer, value.byteLength, 0xc4, 0xc5, 0xc6)
    writer.raw(new Uint8Array(value.buffer, value.byteOffset, value.byteLength))
  } else {
    const keys = Object.keys(value)
    if (keys.length < 16) writer.byte(0x80 | keys.length)
    else writeLength(writer, keys.length, null, 0xde, 0xdf)
    for (const key of keys) {
      encodeString(writer, key)
      encodeInto(writer, (value as Record<string, unknown>)[key], depth + 1)
    }
  }
}

function writeLength(
  writer: ByteWriter,
  length: number,
  tag8: number | null,
  tag16: number,
  tag32: number,
): void {
  if (tag8 !== null && length < 0x100) {
    writer.byte(tag8)
    writer.byte(length)
  } else if (length < 0x10000) writer.uint16(tag16, length)
  else writer.uint32(tag32, length)
}
