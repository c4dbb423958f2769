import type { RouteOptions } from 'fastify'
import { z } from 'zod'
import { CODES } from './api-error.ts'
import type { EndpointInfo } from './endpoint.ts'

/** A route as `/openapi.json` describes it. */
export interface DescribedRoute {
  readonly method: string
  /** In fastify's form. */
  readonly path: string
  readonly info: EndpointInfo | undefined
}

type Described = Readonly<Record<string, unknown>>

/** Statuses that any request may get. */
const ANY_ERRORS = [400, 421]
const ERRORS_OF_DOOR: Readonly<Record<EndpointInfo['door'], readonly number[]>> = {
  open: [],
  read: [401],
  write: [401, 403, 429],
  call: [401, 403],
  ingest: [401, 403, 429],
  legacy: [401],
  internal: [],
}
/** Of whatever may have a body. */
const ERRORS_OF_BODY = [413, 415]

/** The OpenAPI 3.1 document of these routes, made of the same shapes that requests are checked with. */
export function openApi(routes: readonly DescribedRoute[], version: string): Described {
  const paths: Record<string, Record<string, unknown>> = {}
  for (const route of [...routes].sort((left, right) => (left.path < right.path ? -1 : 1))) {
    const path = route.path.replaceAll(/:([a-z_]+)/g, '{$1}')
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operation(route) }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'kongsul',
      version,
      description:
        'The operator’s API. Errors have one shape; unknown fields are refused with 422, which names them.',
    },
    servers: [{ url: '/' }],
    paths,
    components: {
      schemas: { Error: ERROR },
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } },
    },
  }
}

/** What fastify was told, as the document needs it; HEAD comes with every GET and is not described. */
export const describedRoutes = ({ method, url, config }: RouteOptions): readonly DescribedRoute[] =>
  [method]
    .flat()
    .filter((each) => each !== 'HEAD')
    .map((each) => ({ method: each, path: url, info: config?.endpoint }))

function operation({ method, path, info }: DescribedRoute): Described {
  const {
    summary = '',
    door = method === 'GET' ? 'read' : 'write',
    params = {},
    query = {},
    body,
    isBodyLenient = false,
    bodyTypes,
    example,
  } = info ?? {}
  const isRefusable = Object.keys({ ...params, ...query, ...body }).length > 0
  const statuses = [
    ...ANY_ERRORS,
    ...ERRORS_OF_DOOR[door],
    ...(door === 'legacy' && method !== 'GET' ? [403] : []),
    ...(method === 'GET' ? [] : ERRORS_OF_BODY),
    ...(isRefusable ? [422] : []),
    ...(info?.errors ?? []),
    ...Object.keys(info?.errorShapes ?? {}).map(Number),
  ]
  return {
    operationId: `${method.toLowerCase()}${path.replaceAll(/[^A-Za-z0-9]+/g, '_')}`,
    summary,
    'x-door': door,
    ...(door === 'open' ? { security: [] } : { security: [{}, { bearer: [] }] }),
    parameters: [
      ...parameters(params, 'path', example?.params),
      ...parameters(query, 'query', example?.query),
    ],
    ...(body === undefined
      ? {}
      : { requestBody: requestBody((isBodyLenient ? z.object : z.strictObject)(body), example?.body) }),
    ...(bodyTypes === undefined ? {} : { requestBody: { required: true, content: rawContent(bodyTypes) } }),
    responses: {
      ...success(info?.answer, example?.answer),
      ...Object.fromEntries(
        [...new Set(statuses)].sort().map((status) => [status, failure(status, info?.errorShapes?.[status])]),
      ),
    },
  }
}

function parameters(
  shape: z.ZodRawShape,
  where: 'path' | 'query',
  examples: Readonly<Record<string, string>> = {},
): Described[] {
  return Object.entries(shape).map(([name, field]) => ({
    name,
    in: where,
    required: where === 'path' || !isOptional(field),
    schema: schemaOf(field),
    ...(examples[name] === undefined ? {} : { example: examples[name] }),
  }))
}

function requestBody(body: z.ZodObject, example: unknown): Described {
  return {
    required: Object.values(body.shape).some((field) => !isOptional(field)),
    content: {
      'application/json': {
        schema: schemaOf(body),
        ...(example === undefined ? {} : { example }),
      },
    },
  }
}

const rawContent = (types: readonly string[]): Described =>
  Object.fromEntries(types.map((type) => [type, { schema: { type: 'string', format: 'binary' } }]))

function success(answer: EndpointInfo['answer'] | undefined, example: unknown): Described {
  if (answer === 'none') return { 204: { description: 'done' } }
  const type = typeof answer === 'string' ? answer : 'application/json'
  const schema =
    answer === undefined ? {} : typeof answer === 'string' ? { type: 'string' } : schemaOf(answer, 'output')
  return {
    200: {
      description: 'done',
      content: { [type]: { schema, ...(example === undefined ? {} : { example }) } },
    },
  }
}

const failure = (status: number, shape?: z.ZodType): Described => ({
  description: CODES[status] ?? 'error',
  content: {
    'application/json': {
      schema: shape === undefined ? { $ref: '#/components/schemas/Error' } : schemaOf(shape, 'output'),
    },
  },
})

const isOptional = (field: unknown): boolean => (field as z.ZodType).safeParse(undefined).success

function schemaOf(schema: unknown, io: 'input' | 'output' = 'input'): Described {
  const { $schema: _, ...rest } = z.toJSONSchema(schema as z.ZodType, { io, unrepresentable: 'any' })
  return rest
}

const ERROR = {
  type: 'object',
  required: ['error', 'detail'],
  properties: {
    error: {
      type: 'object',
      required: ['code', 'message', 'details'],
      properties: {
        code: { type: 'string' },
        message: { type: 'string' },
        details: { type: 'array', items: {} },
      },
    },
    detail: { type: 'string', description: 'the message, where old clients look for it' },
  },
}
