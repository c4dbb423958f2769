import type { RequestContext } from '../proxy/request-context.ts'
import type { Plugin } from './plugin.ts'
import { queryArguments } from './query-arguments.ts'
import { type Steps, stepsOf, transform } from './transformation.ts'

type Change = Readonly<Record<string, readonly string[] | undefined>> | null

interface RequestTransformerConfig {
  readonly http_method: string | null
  readonly remove: Change
  readonly rename: Change
  readonly replace: (Change & { readonly uri?: string | null }) | null
  readonly add: Change
  readonly append: Change
}

/**
 * Changes headers, query, path and method of what is sent on. Bodies are not offered; of templates only
 * `$(uri_captures['name'])` in the path.
 */
export const requestTransformer: Plugin<RequestTransformerConfig> = {
  name: 'request-transformer',
  priority: 801,
  access(context, { config }) {
    const uri = config.replace?.uri as unknown as string | null | undefined
    if (uri) context.upstreamPath = withCaptures(uri, context.match?.captures ?? {})
    if (config.http_method) context.upstreamMethod = config.http_method.toUpperCase()
    transformHeaders(context, stepsOf(config as never, 'headers'))
    const query = stepsOf(config as never, 'querystring')
    if (Object.values(query).some((entries) => entries.length > 0)) transformQuery(context, query)
    return undefined
  },
}

/** As Kong renders `replace.uri`: what is captured comes as it was matched, not escaped again. */
const withCaptures = (template: string, captures: Readonly<Record<string, string>>): string =>
  template.replace(
    /\$\(uri_captures(?:\[['"]?(\w+)['"]?\]|\.(\w+))\)/g,
    (_, quoted?: string, plain?: string) => {
      return captures[quoted ?? plain ?? ''] ?? ''
    },
  )

function transformHeaders(context: RequestContext, steps: Steps): void {
  transform(
    {
      get: (name) => {
        const edit = context.upstreamHeaders.get(name.toLowerCase())
        return edit === undefined ? context.headers(name.toLowerCase()) : edit?.values
      },
      set: (name, values) => {
        if (name.toLowerCase() !== 'host')
          context.upstreamHeaders.set(name.toLowerCase(), values ? { name, values } : null)
        else if (values) context.upstreamHost = values[0] ?? null
      },
    },
    steps,
  )
}

function transformQuery(context: RequestContext, steps: Steps): void {
  const values = new Map<string, readonly (string | true)[]>(queryArguments(context.upstreamQuery))
  transform(
    {
      get: (name) => values.get(name) as readonly string[] | undefined,
      set: (name, next) => {
        if (next) values.set(name, next)
        else values.delete(name)
      },
    },
    steps,
  )
  const parts = [...values].flatMap(([name, list]) =>
    list.map((value) => (value === true ? encode(name) : `${encode(name)}=${encode(value)}`)),
  )
  context.upstreamQuery = parts.length > 0 ? `?${parts.join('&')}` : ''
}

/** Byte strings in, so each character is one byte. */
function encode(text: string): string {
  return text.replace(/[^A-Za-z0-9\-_.~]/g, (character) => {
    return `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`
  })
}
