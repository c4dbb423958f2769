// ExportTraceServiceRequest in protobuf. Field numbers are those of opentelemetry-proto 1.x, which are stable:
// https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/trace/v1/trace.proto
// Fields that are not known, or come in another wire type, are skipped, as protobuf has it.

import { flatText } from './flat-text.ts'
import {
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
  type LinkInput,
  type Notes,
  noNotes,
  type ResourceInput,
  type SpanInput,
  type SpanKind,
} from './span-input.ts'
import { microsOf, nanosBetween, WireReader } from './wire-reader.ts'

/** `field << 3 | wire type`. */
const BYTES = (field: number) => (field << 3) | 2
const VARINT = (field: number) => field << 3
const FIXED64 = (field: number) => (field << 3) | 1

/** @throws MalformedError for what is no such request */
export function decodeProtobuf(body: Buffer): Decoded {
  return new RequestReader(body).read()
}

class RequestReader {
  readonly #notes: Notes = noNotes()
  readonly #wire: WireReader
  readonly #spans: SpanInput[] = []
  #rejected = 0
  #reason = ''

  constructor(body: Buffer) {
    this.#wire = new WireReader(body, this.#notes)
  }

  read(): Decoded {
    const wire = this.#wire
    this.#fields(wire.length, (tag, end) => {
      if (tag !== BYTES(1)) return false
      this.#resourceSpans(wire.block(end))
      return true
    })
    return { spans: this.#spans, rejected: this.#rejected, reason: this.#reason, notes: this.#notes }
  }

  /** Hands every field to `take`, and skips those that it does not want. */
  #fields(end: number, take: (tag: number, end: number) => boolean): void {
    const wire = this.#wire
    while (wire.at < end) {
      const tag = wire.tag(end)
      if (!take(tag, end)) wire.skip(tag, end)
    }
  }

  /** The resource may come after its spans: they are read once it is known. */
  #resourceSpans(end: number): void {
    const wire = this.#wire
    const attributes: FlatAttributes = []
    const scopes: number[] = []
    this.#fields(end, (tag) => {
      if (tag === BYTES(1)) {
        const to = wire.block(end)
        this.#fields(to, (inner) => inner === BYTES(1) && this.#attribute(to, attributes, MOST_ATTRIBUTES))
        return true
      }
      if (tag !== BYTES(2)) return false
      const to = wire.block(end)
      scopes.push(wire.at, to)
      wire.at = to
      return true
    })
    const resource = resourceOf(attributes)
    for (let i = 0; i < scopes.length; i += 2) {
      wire.at = scopes[i]!
      this.#scopeSpans(scopes[i + 1]!, resource)
    }
    wire.at = end
  }

  #scopeSpans(end: number, resource: ResourceInput): void {
    const wire = this.#wire
    const before = this.#spans.length
    let name = ''
    let version = ''
    this.#fields(end, (tag) => {
      if (tag === BYTES(2)) {
        this.#span(wire.block(end), resource)
        return true
      }
      if (tag !== BYTES(1)) return false
      const to = wire.block(end)
      this.#fields(to, (inner) => {
        if (inner === BYTES(1)) name = wire.text(to, MOST_KEY_CHARS)
        else if (inner === BYTES(2)) version = wire.text(to, MOST_KEY_CHARS)
        else return false
        return true
      })
      return true
    })
    const scope = scopeText(name, version)
    for (let i = before; i < this.#spans.length; i++) this.#spans[i]!.scope = scope
  }

  #span(end: number, resource: ResourceInput): void {
    const wire = this.#wire
    let traceId = ''
    let spanId = ''
    let parentId = ''
    let name = ''
    let kind = 0
    let start = NO_TIME
    let stop = NO_TIME
    let status = 0
    let statusMessage = ''
    const attributes: FlatAttributes = []
    let events = NO_EVENTS
    let links = NO_LINKS
    while (wire.at < end) {
      const tag = wire.tag(end)
      if (tag === BYTES(1)) traceId = wire.hex(end)
      else if (tag === BYTES(2)) spanId = wire.hex(end)
      else if (tag === BYTES(4)) parentId = wire.hex(end)
      else if (tag === BYTES(5)) name = wire.text(end, MOST_NAME_CHARS)
      else if (tag === VARINT(6)) kind = wire.uint32(end)
      else if (tag === FIXED64(7)) start = wire.fixed64(end)
      else if (tag === FIXED64(8)) stop = wire.fixed64(end)
      else if (tag === BYTES(9)) this.#attribute(end, attributes, MOST_ATTRIBUTES)
      else if (tag === BYTES(11)) {
        if (events === NO_EVENTS) events = []
        this.#event(wire.block(end), events)
      } else if (tag === BYTES(13)) {
        if (links === NO_LINKS) links = []
        this.#link(wire.block(end), links)
      } else if (tag === BYTES(15)) {
        const to = wire.block(end)
        while (wire.at < to) {
          const inner = wire.tag(to)
          if (inner === BYTES(2)) statusMessage = wire.text(to, MOST_NAME_CHARS)
          else if (inner === VARINT(3)) status = wire.uint32(to)
          else wire.skip(inner, to)
        }
      } else wire.skip(tag, end)
    }
    const wrong = wrongIds(traceId, spanId, parentId)
    if (wrong !== '') {
      this.#rejected++
      this.#reason ||= wrong
      return
    }
    const startUs = microsOf(start)
    this.#spans.push({
      resource,
      scope: '',
      traceId,
      spanId,
      parentId: parentOf(parentId),
      name,
      kind: (kind <= 5 ? kind : 0) as SpanKind,
      startUs,
      durationNs: nanosBetween(start, stop),
      attributes,
      events,
      links,
      status: (status <= 2 ? status : 0) as 0 | 1 | 2,
      statusMessage,
    })
  }

  #event(end: number, into: EventInput[]): void {
    const wire = this.#wire
    let time = NO_TIME
    let name = ''
    const attributes: FlatAttributes = []
    while (wire.at < end) {
      const tag = wire.tag(end)
      if (tag === FIXED64(1)) time = wire.fixed64(end)
      else if (tag === BYTES(2)) name = wire.text(end, MOST_NAME_CHARS)
      else if (tag === BYTES(3)) this.#attribute(end, attributes, MOST_EVENT_ATTRIBUTES)
      else wire.skip(tag, end)
    }
    if (into.length < MOST_EVENTS) into.push({ timeUs: microsOf(time), name, attributes })
    else this.#notes.eventsDropped++
  }

  /** A link to nowhere says nothing, and is left out. */
  #link(end: number, into: LinkInput[]): void {
    const wire = this.#wire
    let traceId = ''
    let spanId = ''
    const attributes: FlatAttributes = []
    while (wire.at < end) {
      const tag = wire.tag(end)
      if (tag === BYTES(1)) traceId = wire.hex(end)
      else if (tag === BYTES(2)) spanId = wire.hex(end)
      else if (tag === BYTES(4)) this.#attribute(end, attributes, MOST_EVENT_ATTRIBUTES)
      else wire.skip(tag, end)
    }
    if (into.length < MOST_LINKS && wrongIds(traceId, spanId, '') === '')
      into.push({ traceId, spanId, attributes })
    else this.#notes.linksDropped++
  }

  /** One KeyValue, which is not looked at any more once there are `most`. */
  #attribute(end: number, into: FlatAttributes, most: number): true {
    const wire = this.#wire
    const to = wire.block(end)
    if (into.length >= most * 2) {
      this.#notes.attributesDropped++
      wire.at = to
      return true
    }
    let key = ''
    let value: AttributeValue = ''
    while (wire.at < to) {
      const tag = wire.tag(to)
      if (tag === BYTES(1)) key = wire.text(to, MOST_KEY_CHARS)
      else if (tag === BYTES(2)) value = this.#flatValue(wire.block(to))
      else wire.skip(tag, to)
    }
    into.push(key, value)
    return true
  }

  #flatValue(end: number): AttributeValue {
    const budget = { left: MOST_MEMBERS }
    const value = this.#value(end, 0, budget)
    if (budget.left < 0) this.#notes.valuesCut++
    return typeof value === 'object' ? flatText(value, this.#notes) : value
  }

  /** The last of several fields counts, as in every oneof. */
  #value(end: number, depth: number, budget: { left: number }): AttributeValue | object {
    const wire = this.#wire
    let value: AttributeValue | object = ''
    while (wire.at < end) {
      const tag = wire.tag(end)
      if (tag === BYTES(1)) value = wire.text(end, MOST_VALUE_CHARS)
      else if (tag === VARINT(2)) value = wire.int64(end) !== 0
      else if (tag === VARINT(3)) value = wire.int64(end)
      else if (tag === FIXED64(4)) value = wire.double(end)
      else if (tag === BYTES(5) || tag === BYTES(6)) {
        value = this.#members(wire.block(end), tag === BYTES(6), depth, budget)
      } else if (tag === BYTES(7)) value = wire.base64(end, MOST_VALUE_CHARS / 2)
      else wire.skip(tag, end)
    }
    return value
  }

  #members(end: number, isMap: boolean, depth: number, budget: { left: number }): object {
    const wire = this.#wire
    const list: unknown[] = []
    const map: [string, unknown][] = []
    while (wire.at < end) {
      const tag = wire.tag(end)
      if (tag !== BYTES(1)) {
        wire.skip(tag, end)
        continue
      }
      const to = wire.block(end)
      if (--budget.left < 0 || depth >= MOST_DEPTH) {
        budget.left = Math.min(budget.left, -1)
        wire.at = to
        continue
      }
      if (!isMap) {
        list.push(this.#value(to, depth + 1, budget))
        continue
      }
      let key = ''
      let value: unknown = ''
      while (wire.at < to) {
        const inner = wire.tag(to)
        if (inner === BYTES(1)) key = wire.text(to, MOST_KEY_CHARS)
        else if (inner === BYTES(2)) value = this.#value(wire.block(to), depth + 1, budget)
        else wire.skip(inner, to)
      }
      map.push([key, value])
    }
    return isMap ? Object.fromEntries(map) : list
  }
}

const NO_TIME = { low: 0, high: 0 }
const NO_EVENTS: EventInput[] = []
const NO_LINKS: LinkInput[] = []
