// Requests to routes that take what others send: most of them odd, some of them fit.
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import type { Attempt } from './bad-requests.ts'
import type { Route } from './described-api.ts'
import { ODD_VALUES } from './odd-values.ts'
import { requestBytes } from './otlp-protobuf.ts'
import { jsonRequest } from './otlp-spans.ts'

const odd: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom(...ODD_VALUES, [], {}, [[]], '9'.repeat(40)),
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.jsonValue({ maxDepth: 3 }),
)
const oddText = odd.map((value) => (typeof value === 'string' ? value : JSON.stringify(value)))

const SPANS = jsonRequest([
  { id: 1, service: 'web', kind: 'server', attributes: { 'http.route': '/a', n: 1 } },
  { id: 2, parent: 1, service: 'api', kind: 'client', isError: true },
])
const CIRCUITS = {
  node: 'kong-1',
  atMs: 1,
  epoch: 1,
  circuits: [
    {
      circuit: { kind: 'instance', upstream: 'web.mesh', target: '10.0.0.1:80' },
      state: 'open',
      since: 1,
      until: 2,
      reason: 'x',
      counts: { failed: 5 },
    },
  ],
}
const OUTCOME = {
  serviceId: null,
  status: 200,
  tries: [{ instance: '10.0.0.1:80', status: 502, ms: 3 }],
  durationMs: 4,
  traceId: '1'.repeat(32),
  startedAtMs: 1,
}

export function oddRequests({ method, path, operation }: Route): fc.Arbitrary<Attempt> {
  const names = operation.parameters.filter((each) => each.in === 'query').map(({ name }) => name)
  const name = fc.oneof(fc.constantFrom('zz', '__proto__', ...names), oddText)
  const pair = fc.tuple(name, oddText).map((both) => both.map(encodeURIComponent).join('='))
  const query = fc.oneof(
    fc.array(pair, { maxLength: 4 }).map((pairs) => pairs.join('&')),
    fc.constantFrom('%zz', '&&==', '=', 'service=web&service=api', 'a[b]=c', '%00'),
  )
  const url = fc.tuple(fc.array(oddText, { minLength: 2, maxLength: 2 }), query).map(([parts, text]) => {
    let at = 0
    const filled = path.replaceAll(/\{[^}]+\}/g, () => encodeURIComponent(parts[at++] ?? ''))
    return text === '' ? filled : `${filled}?${text}`
  })
  const headers = fc.dictionary(
    fc.constantFrom('accept', 'authorization', 'content-encoding', 'if-none-match', 'range', 'x-zz'),
    fc.constantFrom('', '*/*', 'gzip', 'deflate', 'br', 'bytes=0-', 'Bearer', 'é', 'a,b;c="d'),
    { maxKeys: 2 },
  )
  if (method === 'GET') return fc.record({ url, headers })
  return fc.record({ url, headers, body: bodyFor(path) }).map(({ body, ...rest }) => ({
    url: rest.url,
    headers: { ...rest.headers, ...body.headers },
    payload: body.payload,
  }))
}

type Body = Required<Pick<Attempt, 'headers' | 'payload'>>

function bodyFor(path: string): fc.Arbitrary<Body> {
  const typed = (type: string, payload: string | Buffer): Body => ({
    headers: { 'content-type': type },
    payload,
  })
  if (path === '/internal/outcomes') {
    const line = fc.oneof(
      changed(OUTCOME).map((value) => JSON.stringify(value)),
      oddText,
    )
    return fc.array(line, { maxLength: 4 }).map((lines) => typed('application/x-ndjson', lines.join('\n')))
  }
  if (path === '/internal/circuits') {
    return changed(CIRCUITS).map((value) => typed('application/json', JSON.stringify(value)))
  }
  const json = changed(SPANS).map((value) => typed('application/json', JSON.stringify(value)))
  const protobuf = damaged(requestBytes(SPANS)).map((bytes) => typed('application/x-protobuf', bytes))
  const packed = damaged(gzipSync(JSON.stringify(SPANS))).map((payload) => ({
    headers: { 'content-type': 'application/json', 'content-encoding': 'gzip' },
    payload,
  }))
  const noType = oddText.map((text) => typed('application/x-www-form-urlencoded', text))
  return fc.oneof(json, protobuf, packed, noType)
}

/** The value with something odd in one place of it. */
function changed(value: unknown): fc.Arbitrary<unknown> {
  return fc.tuple(fc.array(fc.nat(20), { maxLength: 9 }), odd).map(([way, put]) => replaced(value, way, put))
}

function replaced(value: unknown, [turn, ...way]: readonly number[], put: unknown): unknown {
  if (turn === undefined || typeof value !== 'object' || value === null) return put
  const entries = Object.entries(value)
  const at = turn % Math.max(1, entries.length)
  const next = entries.map(
    ([key, each], index) => [key, index === at ? replaced(each, way, put) : each] as const,
  )
  return Array.isArray(value) ? next.map(([, each]) => each) : Object.fromEntries(next)
}

/** Bytes that end early, or with some of them other ones. */
const damaged = (bytes: Buffer): fc.Arbitrary<Buffer> =>
  fc
    .tuple(fc.nat(bytes.length), fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { maxLength: 3 }))
    .map(([cut, changes]) => {
      const copy = Buffer.from(bytes)
      for (const [at, byte] of changes) copy[at] = byte
      return cut % 2 === 0 ? copy.subarray(0, cut) : copy
    })
