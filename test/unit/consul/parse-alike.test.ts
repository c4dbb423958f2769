import { deepEqual, ok, throws } from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { type Parsed, parseAlike } from '../../../operator/consul/parse-alike.ts'

const bytes = (value: unknown, indent = 0) => Buffer.from(JSON.stringify(value, null, indent))

const entry = fc.record({
  ID: fc.string({ unit: 'binary' }),
  Meta: fc.json().map((text) => JSON.parse(text)),
})
const node = fc.dictionary(
  fc.constantFrom('Node', 'Services', '__proto__', 'a"\\'),
  fc.oneof(fc.array(entry), fc.jsonValue()),
)
const edit = fc.tuple(fc.nat(), fc.nat(), fc.constantFrom('change', 'insert', 'remove'), entry)

test('texts parsed one after the other say what JSON.parse says', () => {
  fc.assert(
    fc.property(fc.array(node), fc.array(fc.array(edit)), fc.constantFrom(0, 4), (start, rounds, indent) => {
      let known: Parsed | null = null
      const nodes = structuredClone(start) as Record<string, unknown>[]
      for (const edits of [[], ...rounds]) {
        for (const [where, at, kind, value] of edits) {
          const services = nodes[where % Math.max(1, nodes.length)]?.['Services']
          if (!Array.isArray(services)) continue
          services.splice(
            at % (services.length + 1),
            kind === 'insert' ? 0 : 1,
            ...(kind === 'remove' ? [] : [value]),
          )
        }
        const text = bytes(nodes, indent)
        known = parseAlike(text, known)
        deepEqual(known.value, JSON.parse(text.toString()))
      }
    }),
  )
})

test('any text is taken or refused as JSON.parse does it', () => {
  const broken = fc
    .tuple(fc.array(node), fc.nat(), fc.nat(), fc.string({ maxLength: 3 }))
    .map(([nodes, at, count, put]) => {
      const text = JSON.stringify(nodes)
      const from = at % (text.length + 1)
      return text.slice(0, from) + put + text.slice(from + (count % 3))
    })
  fc.assert(
    fc.property(fc.oneof(broken, fc.json(), fc.string()), (text) => {
      const wanted = parsed(() => JSON.parse(Buffer.from(text).toString()))
      deepEqual(
        parsed(() => parseAlike(Buffer.from(text), null).value),
        wanted,
      )
    }),
  )
})

const parsed = (parse: () => unknown): unknown => {
  try {
    return { value: parse() }
  } catch (error) {
    ok(error instanceof SyntaxError)
    return 'refused'
  }
}

test('what has not changed stays the same object, also beside what came, went and changed', () => {
  const service = (id: number, port = 80) => ({ ID: `web-${id}`, Port: port })
  const range = (count: number) => Array.from({ length: count }, (_, id) => service(id))
  const before = [
    { Node: 'n1', Services: range(20) },
    { Node: 'n2', Services: range(5) },
  ]
  const known = parseAlike(bytes(before, 4), null)
  const after = structuredClone(before)
  after[0]!.Services.splice(3, 6, ...range(6).map(({ ID }) => ({ ID, Port: 81 })))
  after[0]!.Services.splice(12, 0, service(100))
  after[0]!.Services.splice(15, 2)
  const now = parseAlike(bytes(after, 4), known)
  deepEqual(now.value, after)
  const all = ({ value }: Parsed) => (value as typeof before).flatMap(({ Services }) => Services)
  const old = new Set(all(known))
  const fresh = all(now).filter((each) => !old.has(each))
  deepEqual(fresh.length, 7)
})

test('what is no JSON is refused', () => {
  for (const text of ['', '[', '[{]', '[{"a":[1,]}]', '[{"a":[{}] "b":1}]', '[{"a":1}] x'])
    throws(() => parseAlike(Buffer.from(text), null), SyntaxError)
})
