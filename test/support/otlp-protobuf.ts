// Writes protobuf by hand, so that the reader is tried with bytes that no library would make.

export type Bytes = Buffer

export function varint(value: number | bigint): Bytes {
  const bytes: number[] = []
  let left = BigInt.asUintN(64, BigInt(value))
  do {
    const low = Number(left & 0x7fn)
    left >>= 7n
    bytes.push(left > 0n ? low | 0x80 : low)
  } while (left > 0n)
  return Buffer.from(bytes)
}

export const tag = (field: number, type: number): Bytes => varint((field << 3) | type)
export const int = (field: number, value: number | bigint): Bytes =>
  Buffer.concat([tag(field, 0), varint(value)])
export function fixed64(field: number, value: bigint): Bytes {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(value)
  return Buffer.concat([tag(field, 1), bytes])
}
export function double(field: number, value: number): Bytes {
  const bytes = Buffer.alloc(8)
  bytes.writeDoubleLE(value)
  return Buffer.concat([tag(field, 1), bytes])
}
export const bytes = (field: number, value: Uint8Array): Bytes =>
  Buffer.concat([tag(field, 2), varint(value.length), value])
export const text = (field: number, value: string): Bytes => bytes(field, Buffer.from(value))
export const hex = (field: number, value: string): Bytes => bytes(field, Buffer.from(value, 'hex'))
export const message = (field: number, ...parts: readonly Bytes[]): Bytes =>
  bytes(field, Buffer.concat(parts))

type Value = { readonly [kind: string]: unknown }

/** An AnyValue as OTLP's JSON has it. */
export function anyValue(value: Value): Bytes {
  const [kind, inner] = Object.entries(value)[0] ?? ['', null]
  switch (kind) {
    case 'stringValue':
      return text(1, inner as string)
    case 'boolValue':
      return int(2, inner ? 1 : 0)
    case 'intValue':
      return int(3, BigInt(inner as string | number))
    case 'doubleValue':
      return double(4, inner as number)
    case 'arrayValue':
      return message(5, ...(inner as { values: Value[] }).values.map((each) => message(1, anyValue(each))))
    case 'kvlistValue':
      return message(6, ...(inner as { values: KeyValue[] }).values.map((each) => keyValue(1, each)))
    case 'bytesValue':
      return bytes(7, Buffer.from(inner as string, 'base64'))
    default:
      return Buffer.alloc(0)
  }
}

export interface KeyValue {
  readonly key: string
  readonly value: Value
}

export const keyValue = (field: number, { key, value }: KeyValue): Bytes =>
  message(field, text(1, key), message(2, anyValue(value)))

export interface JsonSpan {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly name: string
  readonly kind: number
  readonly startTimeUnixNano: string
  readonly endTimeUnixNano: string
  readonly attributes: readonly KeyValue[]
  readonly events?: readonly { timeUnixNano: string; name: string; attributes: readonly KeyValue[] }[]
  readonly links?: readonly { traceId: string; spanId: string; attributes: readonly KeyValue[] }[]
  readonly status?: { code: number; message?: string }
}

export interface JsonRequest {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly KeyValue[] }
    readonly scopeSpans: readonly {
      readonly scope?: { name: string; version: string }
      readonly spans: readonly JsonSpan[]
    }[]
  }[]
}

/** The same request as OTLP's JSON has it, in protobuf. */
export function requestBytes({ resourceSpans }: JsonRequest): Bytes {
  return Buffer.concat(
    resourceSpans.map(({ resource, scopeSpans }) =>
      message(
        1,
        message(1, ...resource.attributes.map((each) => keyValue(1, each))),
        ...scopeSpans.map(({ scope, spans }) =>
          message(
            2,
            ...(scope === undefined ? [] : [message(1, text(1, scope.name), text(2, scope.version))]),
            ...spans.map((span) => spanBytes(2, span)),
          ),
        ),
      ),
    ),
  )
}

export function spanBytes(field: number, span: JsonSpan): Bytes {
  const { events = [], links = [], status } = span
  return message(
    field,
    hex(1, span.traceId),
    hex(2, span.spanId),
    ...(span.parentSpanId === undefined ? [] : [hex(4, span.parentSpanId)]),
    text(5, span.name),
    int(6, span.kind),
    fixed64(7, BigInt(span.startTimeUnixNano)),
    fixed64(8, BigInt(span.endTimeUnixNano)),
    ...span.attributes.map((each) => keyValue(9, each)),
    ...events.map((event) =>
      message(
        11,
        fixed64(1, BigInt(event.timeUnixNano)),
        text(2, event.name),
        ...event.attributes.map((each) => keyValue(3, each)),
      ),
    ),
    ...links.map((link) =>
      message(
        13,
        hex(1, link.traceId),
        hex(2, link.spanId),
        ...link.attributes.map((each) => keyValue(4, each)),
      ),
    ),
    ...(status === undefined ? [] : [message(15, text(2, status.message ?? ''), int(3, status.code))]),
  )
}
