// The API as /openapi.json describes it, for tests that are made of it.
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'

/** What any request may get, whatever is behind the API. */
export const GENERAL_ERRORS: readonly number[] = [400, 401, 403, 413, 415, 421, 422, 429]

export interface Operation {
  readonly summary: string
  readonly 'x-door': string
  readonly parameters: readonly Parameter[]
  readonly requestBody?: { content: { 'application/json': { schema: object; example?: object } } }
  readonly responses: Readonly<Record<string, Described>>
}

export interface Parameter {
  readonly name: string
  readonly in: 'path' | 'query'
  readonly required: boolean
  readonly schema: object
  readonly example?: string
}

interface Described {
  readonly content?: Readonly<Record<string, { readonly schema: object }>>
}

export interface Route {
  readonly method: string
  /** As OpenAPI has it, `/services/{service}`. */
  readonly path: string
  readonly operation: Operation
}

export interface Description {
  readonly routes: readonly Route[]
  /** What is wrong with an answer; null for one that is as described. */
  problemOf(route: Route, answer: Answer): string | null
}

export interface Answer {
  readonly status: number
  readonly type: string
  readonly text: string
}

// biome-ignore lint/suspicious/noExplicitAny: the document
export function describedApi(document: any): Description {
  const routes: Route[] = Object.entries(document.paths as Record<string, Record<string, Operation>>).flatMap(
    ([path, operations]) =>
      Object.entries(operations).map(([method, operation]) => ({
        method: method.toUpperCase(),
        path,
        operation,
      })),
  )
  const ajv = new Ajv2020({ strict: false, validateFormats: false })
  ajv.addSchema({ $id: 'https://kongsul/openapi', components: document.components })
  const made = new Map<object, ValidateFunction>()
  const validator = (schema: object): ValidateFunction => {
    const known = made.get(schema) ?? ajv.compile(withBase(schema))
    made.set(schema, known)
    return known
  }
  return {
    routes,
    problemOf: ({ operation }, { status, type, text }) => {
      const described = operation.responses[String(status)]
      if (described === undefined) return `${status} is not described: ${text.slice(0, 200)}`
      if (described.content === undefined) return text === '' ? null : `${status} has no body: ${text}`
      const [media = ''] = type.split(';')
      const { schema } = described.content[media] ?? {}
      if (schema === undefined) return `${status} comes as ${type}`
      if (media !== 'application/json') return null
      const validate = validator(schema)
      return validate(JSON.parse(text)) ? null : `${ajv.errorsText(validate.errors)}: ${text.slice(0, 400)}`
    },
  }
}

/** References of the document stand for its own parts. */
const withBase = (schema: object): object =>
  JSON.parse(JSON.stringify(schema).replaceAll('"#/components/', '"https://kongsul/openapi#/components/'))

/** With the examples of all its parameters. */
export const exampleUrl = (route: Route): string => {
  const optional = route.operation.parameters.filter(
    (each) => each.in === 'query' && each.example !== undefined,
  )
  return urlOf(route, Object.fromEntries(optional.map(({ name, example }) => [name, example!])))
}

/** With the examples of its parameters, those of the path and those it cannot do without. */
export function urlOf({ path, operation }: Route, query: Readonly<Record<string, string>> = {}): string {
  const params = operation.parameters.filter((each) => each.in === 'path')
  const filled = params.reduce(
    (text, { name, example }) => text.replace(`{${name}}`, encodeURIComponent(example ?? 'x')),
    path,
  )
  const given = operation.parameters.filter((each) => each.in === 'query' && each.required)
  const all = { ...Object.fromEntries(given.map(({ name, example }) => [name, example ?? 'x'])), ...query }
  const text = new URLSearchParams(all).toString()
  return text === '' ? filled : `${filled}?${text}`
}
