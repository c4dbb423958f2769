// ExportTraceServiceRequest in JSON: protobuf's JSON mapping, but ids in hex, and enums as numbers.
// https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding, https://protobuf.dev/programming-guides/json/
// Taken as well, as that mapping asks of readers: names of enums, 64-bit numbers as text or as numbers, keys in snake
// case, null for what is not given. Unknown keys are ignored.
import { flatText } from './flat-text.ts'
import {
  cut,
  MOST_ATTRIBUTES,
  MOST_DEPTH,
  MOST_EVENT_ATTRIBUTES,
  MOST_EVENTS,
  MOST_KEY_CHARS,
  MOST_LINKS,
  MOST_MEMBERS,
  MOST_NAME_CHARS,
  MOST_VALUE_CHARS,
  parentOf,
  wrongIds,
} from './limits.ts'
import { resourceOf, scopeText } from './resource-of.ts'
import {
  type AttributeValue,
  type Decoded,
  type EventInput,
  type FlatAttributes,
  KIND_NAMES,
  type LinkInput,
  MalformedError,
  noNotes,
  type ResourceInput,
  type SpanInput,
  type SpanKind,
} from './span-input.ts'
import { microsOf } from './wire-reader.ts'

type Fields = Readonly<Record<string, unknown>>

/** @throws MalformedError for a value that is no such request */
export function decodeJson(value: unknown): Decoded {
  const reader = new JsonReader()
  for (const each of messages(object(value, 'the body'), 'resourceSpans', 'resource_spans')) {
    reader.resourceSpans(each)
  }
  return reader
}

class JsonReader implements Decoded {
  readonly notes = noNotes()
  readonly spans: SpanInput[] = []
  rejected = 0
  reason = ''

  resourceSpans(fields: Fields): void {
    const given = fields['resource']
    const attributes =
      given === undefined || given === null
        ? []
        : this.#attributes(object(given, 'resource'), MOST_ATTRIBUTES)
    const resource = resourceOf(attributes)
    for (const each of messages(fields, 'scopeSpans', 'scope_spans')) {
      const scope = scopeOf(each['scope'])
      for (const span of messages(each, 'spans', 'spans')) this.#span(span, resource, scope)
    }
  }

  #span(fields: Fields, resource: ResourceInput, scope: string): void {
    const traceId = idOf(fields['traceId'] ?? fields['trace_id'])
    const spanId = idOf(fields['spanId'] ?? fields['span_id'])
    const parentId = idOf(fields['parentSpanId'] ?? fields['parent_span_id'])
    const start = uint64(fields['startTimeUnixNano'] ?? fields['start_time_unix_nano'])
    const end = uint64(fields['endTimeUnixNano'] ?? fields['end_time_unix_nano'])
    const name = fields['name'] ?? ''
    const wrong =
      wrongIds(traceId, spanId, parentId) ||
      (start === null || end === null ? 'a time is no number of nanoseconds' : '') ||
      (typeof name === 'string' ? '' : 'name is no text')
    if (wrong !== '' || start === null || end === null) {
      this.rejected++
      this.reason ||= wrong
      return
    }
    const status = (fields['status'] ?? {}) as Fields
    this.spans.push({
      resource,
      scope,
      traceId,
      spanId,
      parentId: parentOf(parentId),
      name: cut(String(name), MOST_NAME_CHARS, this.notes),
      kind: kindOf(fields['kind']),
      startUs: microsOf(halves(start)),
      durationNs: Number(end - start),
      attributes: this.#attributes(fields, MOST_ATTRIBUTES),
      events: this.#events(fields),
      links: this.#links(fields),
      status: statusOf(status['code']),
      statusMessage: cut(textOf(status['message']), MOST_NAME_CHARS, this.notes),
    })
  }

  #events(fields: Fields): readonly EventInput[] {
    const given = messages(fields, 'events', 'events')
    if (given.length === 0) return NONE
    this.notes.eventsDropped += Math.max(0, given.length - MOST_EVENTS)
    return given.slice(0, MOST_EVENTS).map((event) => ({
      timeUs: microsOf(halves(uint64(event['timeUnixNano'] ?? event['time_unix_nano']) ?? 0n)),
      name: cut(textOf(event['name']), MOST_NAME_CHARS, this.notes),
      attributes: this.#attributes(event, MOST_EVENT_ATTRIBUTES),
    }))
  }

  /** A link to nowhere says nothing, and is left out. */
  #links(fields: Fields): readonly LinkInput[] {
    const given = messages(fields, 'links', 'links')
    if (given.length === 0) return NONE
    const links: LinkInput[] = []
    for (const link of given) {
      const traceId = idOf(link['traceId'] ?? link['trace_id'])
      const spanId = idOf(link['spanId'] ?? link['span_id'])
      if (links.length >= MOST_LINKS || wrongIds(traceId, spanId, '') !== '') this.notes.linksDropped++
      else links.push({ traceId, spanId, attributes: this.#attributes(link, MOST_EVENT_ATTRIBUTES) })
    }
    return links
  }

  #attributes(fields: Fields, most: number): FlatAttributes {
    const flat: FlatAttributes = []
    for (const each of messages(fields, 'attributes', 'attributes')) {
      if (flat.length >= most * 2) {
        this.notes.attributesDropped++
        continue
      }
      flat.push(cut(textOf(each['key']), MOST_KEY_CHARS, this.notes), this.#flatValue(each['value']))
    }
    return flat
  }

  #flatValue(given: unknown): AttributeValue {
    const budget = { left: MOST_MEMBERS }
    const value = this.#value(given, 0, budget)
    if (budget.left < 0) this.notes.valuesCut++
    return typeof value === 'object' ? flatText(value, this.notes) : value
  }

  #value(given: unknown, depth: number, budget: { left: number }): AttributeValue | object {
    if (given === undefined || given === null) return ''
    const fields = object(given, 'value')
    const text = fields['stringValue'] ?? fields['string_value']
    if (typeof text === 'string') return cut(text, MOST_VALUE_CHARS, this.notes)
    const flag = fields['boolValue'] ?? fields['bool_value']
    if (typeof flag === 'boolean') return flag
    const int = fields['intValue'] ?? fields['int_value']
    if (int !== undefined && int !== null) return int64(int)
    const double = fields['doubleValue'] ?? fields['double_value']
    if (double !== undefined && double !== null) return doubleOf(double)
    const bytes = fields['bytesValue'] ?? fields['bytes_value']
    if (typeof bytes === 'string') return cut(bytes, MOST_VALUE_CHARS, this.notes)
    const list = fields['arrayValue'] ?? fields['array_value']
    if (list !== undefined && list !== null) {
      const members = this.#members(object(list, 'arrayValue'), depth, budget)
      return members.map((each) => this.#value(each, depth + 1, budget))
    }
    const map = fields['kvlistValue'] ?? fields['kvlist_value']
    if (map === undefined || map === null) return ''
    const members = this.#members(object(map, 'kvlistValue'), depth, budget)
    return Object.fromEntries(
      members.map((each) => [
        cut(textOf(each['key']), MOST_KEY_CHARS, this.notes),
        this.#value(each['value'], depth + 1, budget),
      ]),
    )
  }

  /** As many as there is room for; beyond it `budget.left` is negative. */
  #members(holder: Fields, depth: number, budget: { left: number }): readonly Fields[] {
    const given = messages(holder, 'values', 'values')
    const room = depth >= MOST_DEPTH ? 0 : Math.max(0, budget.left)
    budget.left -= Math.min(given.length, room)
    if (given.length <= room) return given
    budget.left = -1
    return given.slice(0, room)
  }
}

const NONE: never[] = []

function object(value: unknown, what: string): Fields {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields
  throw new MalformedError(`${what} is no object`)
}

/** A repeated message. */
function messages(fields: Fields, camel: string, snake: string): readonly Fields[] {
  const value = fields[camel] ?? fields[snake]
  if (value === undefined || value === null) return NONE
  if (!Array.isArray(value)) throw new MalformedError(`${camel} is no list`)
  for (const each of value) {
    if (typeof each !== 'object' || each === null || Array.isArray(each)) {
      throw new MalformedError(`a member of ${camel} is no object`)
    }
  }
  return value as readonly Fields[]
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')

/** Hex in either case; what is no text is no id. */
function idOf(value: unknown): string {
  if (value === undefined || value === null) return ''
  return typeof value === 'string' && value.length <= 64 ? value.toLowerCase() : 'no text'
}

/** As protobuf has it, so that both encodings make the same number. */
const halves = (nanos: bigint) => ({ low: Number(nanos & 0xffff_ffffn), high: Number(nanos >> 32n) })

const DIGITS = /^\d{1,20}$/
const MOST_UINT64 = 2n ** 64n - 1n

/** null for what is no unsigned 64-bit number; nothing at all is 0. */
function uint64(value: unknown): bigint | null {
  if (value === undefined || value === null || value === '') return 0n
  if (typeof value === 'number') {
    return Number.isInteger(value) && value >= 0 && value < 2 ** 64 ? BigInt(value) : null
  }
  if (typeof value !== 'string' || !DIGITS.test(value)) return null
  const number = BigInt(value)
  return number > MOST_UINT64 ? null : number
}

/** As a number where that holds it exactly; what is no integer stays the text that it was. */
function int64(value: unknown): AttributeValue {
  if (typeof value === 'number') return value
  if (typeof value !== 'string') return ''
  if (!/^-?\d{1,19}$/.test(value)) return value.slice(0, 64)
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : BigInt(value)
}

function doubleOf(value: unknown): AttributeValue {
  if (typeof value === 'number') return value
  return typeof value === 'string' && value !== '' ? Number(value) : ''
}

const KINDS = new Map<unknown, SpanKind>(
  KIND_NAMES.flatMap((name, number) => [
    [number, number as SpanKind],
    [String(number), number as SpanKind],
    [`SPAN_KIND_${name.toUpperCase()}`, number as SpanKind],
  ]),
)
const STATUSES = new Map<unknown, 0 | 1 | 2>([
  [1, 1],
  ['1', 1],
  ['STATUS_CODE_OK', 1],
  [2, 2],
  ['2', 2],
  ['STATUS_CODE_ERROR', 2],
])

const kindOf = (value: unknown): SpanKind => KINDS.get(value) ?? 0
const statusOf = (value: unknown): 0 | 1 | 2 => STATUSES.get(value) ?? 0

function scopeOf(given: unknown): string {
  if (given === undefined || given === null) return ''
  const { name, version } = object(given, 'scope')
  return scopeText(textOf(name).slice(0, MOST_KEY_CHARS), textOf(version).slice(0, MOST_KEY_CHARS))
}
