// Requests that do not fit what the API describes.
import fc from 'fast-check'
import { z } from 'zod'
import { type Route, urlOf } from './described-api.ts'

export interface Attempt {
  readonly url: string
  readonly headers: Record<string, string>
  readonly payload?: string | Buffer
}

export const HUGE = Buffer.from(JSON.stringify({ a: 'x'.repeat(1024 * 1024) }))
const DEEP = `${'{"a":'.repeat(500)}1${'}'.repeat(500)}`
const JSON_TYPE = { 'content-type': 'application/json' }

const junk = fc.oneof(
  fc.constantFrom(null, true, -1, 1.5, 1e308, '', ' ', '\u0000', '..', '../../etc/passwd', [], {}, [[]]),
  fc.string({ maxLength: 30 }),
  fc.string({ unit: 'binary', maxLength: 10 }),
  fc.jsonValue({ maxDepth: 3 }),
)
const unknownName = fc.oneof(
  fc.constantFrom('__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', ''),
  fc.stringMatching(/^zz[a-z_]{0,10}$/),
)

/** Whatever it is, it does not fit. */
export function badRequests(route: Route): fc.Arbitrary<Attempt> {
  const { operation, method } = route
  const plain = { url: urlOf(route), headers: {} }
  const inQuery = unknownName.chain((name) =>
    fc.string({ maxLength: 20 }).map((value) => ({ ...plain, url: urlOf(route, { [name]: value }) })),
  )
  const kinds: { weight: number; arbitrary: fc.Arbitrary<Attempt> }[] = [{ weight: 10, arbitrary: inQuery }]
  for (const { name, schema, in: where } of operation.parameters) {
    const wrong = junk
      .map((value) => (typeof value === 'string' ? value : JSON.stringify(value)))
      .filter((text) => text !== '' && !schemaOf(schema).safeParse(text).success)
    const isLoose = schemaOf(schema).safeParse('zz').success && schemaOf(schema).safeParse('\u0001').success
    if (isLoose) continue
    kinds.push({
      weight: 5,
      arbitrary: wrong.map((value) => {
        if (where === 'query') return { ...plain, url: urlOf(route, { [name]: value }) }
        return { ...plain, url: route.path.replace(`{${name}}`, encodeURIComponent(value)) }
      }),
    })
  }
  if (method !== 'GET') {
    const base = (operation.requestBody?.content['application/json'].example ?? {}) as Record<string, unknown>
    const schema = operation.requestBody?.content['application/json'].schema ?? {
      type: 'object',
      properties: {},
      additionalProperties: false,
    }
    const withBody = (payload: string | Buffer, headers: Record<string, string> = JSON_TYPE): Attempt => ({
      ...plain,
      headers,
      payload,
    })
    const extra = fc
      .tuple(unknownName, junk)
      .map(([name, value]) =>
        withBody(
          `${JSON.stringify(base).slice(0, -1)}${Object.keys(base).length > 0 ? ',' : ''}${JSON.stringify(name)}:${JSON.stringify(value)}}`,
        ),
      )
    const names = Object.keys((schema as { properties?: object }).properties ?? {})
    const wrongField =
      names.length === 0
        ? extra
        : fc
            .tuple(fc.constantFrom(...names), junk)
            .map(([name, value]) => ({ ...base, [name]: value }))
            .filter((body) => !schemaOf(schema).safeParse(body).success)
            .map((body) => withBody(JSON.stringify(body)))
    const noObject = fc.constantFrom('[]', '1', '"x"', 'true', '[{}]').map((text) => withBody(text))
    const noJson = fc
      .oneof(
        fc.constantFrom('{', '{"a":}', "{'a':1}", '{"a":1}}', '\u0000', DEEP),
        fc.stringMatching(/^[a-z{][ -~]{0,20}$/),
      )
      .filter((text) => text === DEEP || !isJson(text))
      .map((text) => withBody(text))
    const noUtf8 = fc
      .constantFrom([0xff], [0xc3, 0x28], [0xed, 0xa0, 0x80])
      .map((bytes) =>
        withBody(Buffer.concat([Buffer.from('{"zz":"'), Buffer.from(bytes), Buffer.from('"}')])),
      )
    const noType = fc
      .constantFrom(
        'text/plain',
        'application/x-www-form-urlencoded',
        'multipart/form-data; boundary=x',
        'text/json',
      )
      .map((type) => withBody(JSON.stringify(base), { 'content-type': type }))
    const takesMore = (schema as { additionalProperties?: unknown }).additionalProperties !== false
    kinds.push(
      ...(takesMore ? [] : [{ weight: 20, arbitrary: extra }]),
      { weight: 30, arbitrary: wrongField },
      { weight: 5, arbitrary: noObject },
      { weight: 10, arbitrary: noJson },
      { weight: 5, arbitrary: noUtf8 },
      { weight: 5, arbitrary: noType },
      { weight: 1, arbitrary: fc.constant(withBody(HUGE)) },
    )
  }
  return fc.oneof(...kinds)
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

const made = new WeakMap<object, z.ZodType>()
/** Made once of each: it takes longer than a request. */
export function schemaOf(schema: object): z.ZodType {
  const known = made.get(schema) ?? z.fromJSONSchema(schema as Parameters<typeof z.fromJSONSchema>[0])
  made.set(schema, known)
  return known
}

/** Those that are open take any query, since probes add what they like, and Jaeger's clients do too; outcomes are lines,
 * and spans have a description of their own. */
export const isStrict = ({ path, operation }: Route): boolean =>
  !['open', 'ingest'].includes(operation['x-door']) &&
  !/^\/api\/(services|operations|traces|dependencies)/.test(path) &&
  !['/internal/outcomes', '/internal/circuits'].includes(path)
