// Answers of Consul or Kong that are not what they should be: a value is another, missing, twice or of another kind, or the whole
// is no JSON at all. What is asked and what is answered otherwise stays.
import type { Answered } from './chaos-proxy.ts'
import { ODD_VALUES } from './odd-values.ts'
import type { SeededRandom } from './seeded-random.ts'

const WHOLES = [
  '',
  'null',
  '[]',
  '{}',
  '"text"',
  '7',
  '[null]',
  '[[]]',
  '[{}]',
  '{"data":7}',
  '{"data":[null]}',
]
const VALUES: readonly unknown[] = [
  ...ODD_VALUES,
  ...[' ', '[::1', '../..', 'a'.repeat(5_000)],
  ...[[], {}, [null], [{}], { constructor: null }, ['x', 1]],
]
const INDEXES = ['', '0', '-1', '1', '1.5', 'x', '18446744073709551615', '9'.repeat(40)]

/** A copy of it with something wrong. Pure but for the random numbers. */
export function oddAnswer(answered: Answered, random: SeededRandom): Answered {
  const headers = { ...answered.headers }
  delete headers['content-length']
  delete headers['content-encoding']
  const kind = random.weighted([
    [12, 'value'],
    [2, 'whole'],
    [2, 'cut'],
    [2, 'index'],
    [1, 'html'],
  ] as const)
  if (kind === 'whole') return { ...answered, headers, body: random.pick(WHOLES) }
  if (kind === 'cut') {
    const end = random.whole(0, Math.max(0, answered.body.length - 1))
    return { ...answered, headers, body: answered.body.slice(0, end) }
  }
  if (kind === 'index' && headers['x-consul-index'] !== undefined)
    return { ...answered, headers: { ...headers, 'x-consul-index': random.pick(INDEXES) } }
  if (kind === 'html') {
    const body = '<html><body>502 Bad Gateway</body></html>'
    return { ...answered, headers: { ...headers, 'content-type': 'text/html' }, body }
  }
  return { ...answered, headers, body: withOddValues(answered.body, random) }
}

function withOddValues(body: string, random: SeededRandom): string {
  let json: unknown
  try {
    json = JSON.parse(body)
  } catch {
    return random.pick(WHOLES)
  }
  for (let change = random.whole(1, 3); change > 0; change--) json = changed(json, random)
  return JSON.stringify(json)
}

/** Something in it is other, gone, or there twice. */
function changed(json: unknown, random: SeededRandom): unknown {
  if (typeof json !== 'object' || json === null || random.chance(5)) return random.pick(VALUES)
  if (Array.isArray(json)) {
    if (json.length === 0) return [random.pick(VALUES)]
    const at = random.whole(0, json.length - 1)
    if (random.chance(5)) return json.toSpliced(at, 1)
    if (random.chance(5)) return [...json, json[at]]
    return json.with(at, changed(json[at], random))
  }
  const entries = Object.entries(json)
  if (entries.length === 0) return { x: random.pick(VALUES) }
  const at = random.whole(0, entries.length - 1)
  const [name, value] = entries[at]!
  if (random.chance(10)) return Object.fromEntries(entries.toSpliced(at, 1))
  return Object.fromEntries(entries.with(at, [name, changed(value, random)]))
}
