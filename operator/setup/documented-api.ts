// docs/api.md: the description that the operator serves as /openapi.json, as a page.
import { bareApi } from '../../test/support/bare-api.ts'
import { CODES } from '../http/api-error.ts'

interface Schema {
  readonly type?: string
  readonly enum?: readonly unknown[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly anyOf?: readonly Schema[]
}
interface Operation {
  readonly summary: string
  readonly 'x-door': string
  readonly parameters: readonly {
    readonly name: string
    readonly in: string
    readonly required: boolean
    readonly schema: Schema
  }[]
  readonly requestBody?: {
    readonly content: Readonly<Record<string, { readonly schema: Schema; readonly example?: unknown }>>
  }
}
export interface ApiDocument {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
}
interface Route {
  readonly request: string
  readonly operation: Operation
}

interface Section {
  readonly title: string
  readonly about?: string
  readonly takes: (request: string, door: string) => boolean
}

/** Each route is in the one section that takes it. */
const SECTIONS: readonly Section[] = [
  { title: 'Reading', takes: (request, door) => door === 'read' && !isJaeger(request) },
  { title: 'Writing', takes: (_, door) => ['write', 'call', 'ingest'].includes(door) },
  {
    title: 'Jaeger’s query API',
    about: 'For Grafana and Jaeger’s UI: [traces](traces.md).',
    takes: (request, door) => door === 'read' && isJaeger(request),
  },
  {
    title: 'The old API',
    about: 'All but health also below `/api/v1/mesh/v2`: [moving from the old Redis mesh](legacy.md).',
    takes: (_, door) => door === 'legacy',
  },
  {
    title: 'Open to anybody',
    about: 'And the dashboard at `/`, whose page has no data.',
    takes: (_, door) => door === 'open',
  },
  {
    title: 'Of the plugins',
    about: 'For `kongsul plugins`, with the token of the feed.',
    takes: (_, door) => door === 'internal',
  },
]
const isJaeger = (request: string): boolean => /^GET \/api\/(?!v1\/)/.test(request)

/** The text of docs/api.md. */
export async function apiText(): Promise<string> {
  const { app } = bareApi()
  try {
    const answer = await app.inject({ url: '/openapi.json', headers: { host: 'localhost' } })
    return apiPage(answer.json() as ApiDocument)
  } finally {
    await app.close()
  }
}

/** Pure. */
export function apiPage({ paths }: ApiDocument): string {
  const routes = Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]) => ({
      request: `${method.toUpperCase()} ${path}`,
      operation,
    })),
  )
  return `# API of the operator

<!-- Made by \`npm run generate\`: what is changed here by hand is lost. -->

Every operator serves it, followers too. \`/openapi.json\` describes every field of requests and answers for programs, \`/docs\` is a page like
this one. Which door a request goes through, and what stands there: [access.md](access.md). Where a token is needed:
\`Authorization: Bearer TOKEN\`.

Bodies are JSON. A field that is not known is refused with 422, which names it. An error is
\`{"error": {"code": "not_found", "message": "service wbe is not in the catalog; did you mean web?", "details": []}, "detail": "the message again"}\`; its code
goes with the status: ${Object.entries(CODES)
    .map(([status, code]) => `${status} \`${code}\``)
    .join(', ')}. A message with a code in capitals: [errors.md](errors.md).

Names in *italics* may be left out.
${SECTIONS.map((each) => section(each, routes)).join('')}`
}

function section({ title, about, takes }: Section, routes: readonly Route[]): string {
  const rows = routes.filter(({ request, operation }) => takes(request, operation['x-door'])).map(row)
  return `
## ${title}
${about === undefined ? '' : `\n${about}\n`}
| Request | What it does | Takes |
| --- | --- | --- |
${rows.join('\n')}
`
}

function row({ request, operation }: Route): string {
  const { parameters, requestBody, summary } = operation
  const query = parameters.filter((each) => each.in === 'query')
  const [type, body] = Object.entries(requestBody?.content ?? {})[0] ?? []
  const { properties = {}, required = [] } = body?.schema ?? {}
  const fields = Object.entries(properties).map(([name, schema]) =>
    field(name, schema, required.includes(name)),
  )
  const takes = [
    query.length > 0 &&
      `query: ${query.map(({ name, schema, required }) => field(name, schema, required)).join(', ')}`,
    fields.length > 0 && `body: ${fields.join(', ')}`,
    type !== undefined && type !== 'application/json' && `body: ${type}`,
    body?.example !== undefined && `e.g. \`${JSON.stringify(body.example)}\``,
  ]
  return `| \`${request}\` | ${cell(summary)} | ${cell(takes.filter(Boolean).join('; '))} |`
}

/** A name, and the values it may have where they are few. */
function field(name: string, schema: Schema, isRequired: boolean): string {
  const values = (schema.enum ?? []).map(String)
  const told = values.length > 0 && values.join() !== 'true,false' ? ` (${values.join(', ')})` : ''
  return `${isRequired ? `\`${name}\`` : `*${name}*`}${told}`
}

const cell = (text: string): string => text.replaceAll('|', '\\|')
