import type { ResponseHead } from '../proxy/parse-response-head.ts'
import type { RequestContext } from '../proxy/request-context.ts'
import { type Plugin, setResponseHeader } from './plugin.ts'
import { headerValues } from './response-values.ts'

interface CorsConfig {
  readonly origins: readonly string[] | null
  readonly methods: readonly string[] | null
  readonly headers: readonly string[] | null
  readonly exposed_headers: readonly string[] | null
  readonly max_age: number | null
  readonly credentials: boolean
  readonly private_network: boolean
  readonly preflight_continue: boolean
}

const ALL_METHODS = 'GET,HEAD,PUT,PATCH,POST,DELETE,OPTIONS,TRACE,CONNECT'

/** Answers preflight requests, and says on all others who may read the answer. */
export const cors: Plugin<CorsConfig> = {
  name: 'cors',
  priority: 2000,
  access(context, { config }) {
    const isPreflight = context.header('origin') && context.header('access-control-request-method')
    if (context.method !== 'OPTIONS' || !isPreflight) return undefined
    context.shared.set('cors', 'done')
    if (config.preflight_continue) return undefined
    allowOrigin(context, config, null)
    const asked = context.header('access-control-request-headers')
    const headers = config.headers && config.headers.length > 0 ? config.headers.join(',') : asked
    if (headers !== undefined) setResponseHeader(context, 'Access-Control-Allow-Headers', headers)
    setResponseHeader(context, 'Access-Control-Allow-Methods', config.methods?.join(',') ?? ALL_METHODS)
    if (config.max_age !== null) setResponseHeader(context, 'Access-Control-Max-Age', String(config.max_age))
    if (config.private_network && context.header('access-control-request-private-network') === 'true') {
      setResponseHeader(context, 'Access-Control-Allow-Private-Network', 'true')
    }
    return { status: 200, headers: {}, body: null }
  },
  respond(context, { config }, upstream) {
    if (context.shared.get('cors') === 'done') return
    allowOrigin(context, config, upstream)
    if (config.exposed_headers && config.exposed_headers.length > 0) {
      setResponseHeader(context, 'Access-Control-Expose-Headers', config.exposed_headers.join(','))
    }
  },
}

function allowOrigin(context: RequestContext, config: CorsConfig, upstream: ResponseHead | null): void {
  const origin = context.header('origin')
  const allowed = allowedOrigin(config.origins ?? [], origin)
  if (allowed !== '*') addVary(context, upstream)
  setResponseHeader(context, 'Access-Control-Allow-Origin', allowed)
  if (!config.credentials) return
  if (allowed === '*') {
    if (origin === undefined) return
    // With credentials a star is not enough: the origin has to be named.
    addVary(context, upstream)
    setResponseHeader(context, 'Access-Control-Allow-Origin', origin)
  }
  setResponseHeader(context, 'Access-Control-Allow-Credentials', 'true')
}

/** Null: no header. A single plain origin is named whoever asks. */
function allowedOrigin(origins: readonly string[], origin: string | undefined): string | null {
  if (origins.length === 0 || origins.includes('*')) return '*'
  if (origins.length === 1 && /^[A-Za-z0-9.:/-]+$/.test(origins[0]!)) return origins[0]!
  if (origin === undefined) return null
  const normal = normalOrigin(origin)
  return origins.some((entry) => matches(entry, normal)) ? normal.origin : null
}

function matches(entry: string, { origin, host }: { origin: string; host: string }): boolean {
  if (!/[^A-Za-z0-9.:/-]/.test(entry)) return normalOrigin(entry).origin === origin
  const subject = entry.includes(':') ? origin : host
  return new RegExp(`^(?:${entry.replace(/^\^/, '').replace(/\$$/, '')})$`).test(subject)
}

function normalOrigin(text: string): { origin: string; host: string } {
  const parts = /^([a-z][a-z0-9+.-]*):\/\/([^:/]+)(?::(\d+))?/i.exec(text)
  if (!parts) return { origin: text, host: text }
  const [, scheme = '', host = '', port] = parts
  const isDefault = (scheme === 'http' && port === '80') || (scheme === 'https' && port === '443')
  return { origin: `${scheme}://${host}${port && !isDefault ? `:${port}` : ''}`, host }
}

function addVary(context: RequestContext, upstream: ResponseHead | null): void {
  const current = headerValues(context, upstream, 'vary') ?? []
  if (current.includes('Origin')) return
  context.responseHeaders.set('vary', { name: 'Vary', values: [...current, 'Origin'] })
}
