import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { hostAsWritten } from '../core/explain-request.ts'
import { type ExplainSources, explain } from '../sync/explain.ts'
import { endpoint, V2 } from './endpoint.ts'
import { answeringForKong } from './kong-answers.ts'
import { invalidField } from './request-error.ts'

/** `GET /explain?url=&method=&header=name:value`: which route takes a request, what it beat, and where it goes. */
export const explainRoute =
  (sources: ExplainSources) =>
  (app: FastifyInstance): void => {
    endpoint(app, {
      method: 'GET',
      path: `${V2}/explain`,
      summary: 'Which route takes a request, what it beat, and where it goes.',
      door: 'read',
      query: QUERY,
      answer: z.looseObject({}),
      errors: [502, 503],
      example: { query: { url: 'http://web.mesh/', method: 'GET' } },
      handle: async ({ query: { url, method = 'GET', header = [] } }) => {
        const asked = { url: urlOf(url), method: method.toUpperCase(), headers: headersOf([header].flat()) }
        return await answeringForKong(() => explain(sources, asked))
      },
    })
  }

const QUERY = {
  url: z.string().min(1, 'must be given').max(8192),
  method: z
    .string()
    .regex(/^[A-Za-z]{1,32}$/, 'must be a method like GET')
    .optional(),
  header: z.union([z.string(), z.array(z.string()).max(100)]).optional(),
}

/** `/web/x` alone is a path on the proxy. */
function urlOf(text: string): string {
  const whole = text.startsWith('/') ? `http://proxy${text}` : text
  const url = URL.canParse(whole) ? new URL(whole) : null
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw invalidField('url', 'must be an http or https URL, or a path')
  }
  return url.href.replace(/^([^/]*\/\/)[^/?#]*/, `$1${hostAsSent(whole, url)}`)
}

/** As clients send it: in the case in which it is written (URL makes it lower case, Kong does not), other alphabets encoded. */
function hostAsSent(text: string, url: URL): string {
  const written = hostAsWritten(text)
  const isPlain = /^[A-Za-z0-9._:[\]-]*$/.test(written) && written.toLowerCase().startsWith(url.hostname)
  return isPlain ? written : url.host
}

function headersOf(texts: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const headers = new Map<string, readonly string[]>()
  for (const text of texts) {
    const [, name, value] = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):\s*(.*)$/.exec(text) ?? []
    if (name === undefined || value === undefined) throw invalidField('header', 'must be name:value')
    const key = name.toLowerCase()
    headers.set(key, [...(headers.get(key) ?? []), value])
  }
  return headers
}
