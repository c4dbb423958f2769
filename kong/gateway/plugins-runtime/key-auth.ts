import type { RequestContext } from '../proxy/request-context.ts'
import { type AuthenticationConfig, accessBy, identify } from './identify.ts'
import { type Exit, type Plugin, type PluginTools, refuse, setUpstreamHeader } from './plugin.ts'
import { queryArguments, withoutArgument } from './query-arguments.ts'

interface KeyAuthConfig extends AuthenticationConfig {
  readonly key_names: readonly string[]
  readonly key_in_header: boolean
  readonly key_in_query: boolean
  readonly hide_credentials: boolean
  readonly realm: string | null
}

/** Who calls, by a key in a header or query argument. Bodies are not searched (key_in_body). */
export const keyAuth: Plugin<KeyAuthConfig> = {
  name: 'key-auth',
  priority: 1250,
  access: accessBy(authenticate),
}

function authenticate(
  context: RequestContext,
  config: KeyAuthConfig,
  { store, now }: PluginTools,
): Exit | undefined {
  const challenge = { 'WWW-Authenticate': config.realm ? `Key realm="${config.realm}"` : 'Key' }
  const found = findKey(context, config)
  if (found === 'twice') return refuse(401, 'Duplicate API key found', challenge)
  if (!found) return refuse(401, 'No API key found in request', challenge)
  const credential = store.find('keyauth_credentials', 'key', found)
  if (!credential || isExpired(credential, now())) return refuse(401, 'Unauthorized', challenge)
  identify(context, store, (credential.consumer as { id: string }).id, {
    id: credential.id,
    identifier: credential.id,
  })
  return undefined
}

function findKey(context: RequestContext, config: KeyAuthConfig): string | 'twice' | null {
  const query = config.key_in_query ? queryArguments(context.target.query) : null
  for (const name of config.key_names) {
    const values =
      (config.key_in_header ? context.headers(name.toLowerCase()) : undefined) ?? query?.get(name)
    if (!values || values[0] === true) continue
    if (values.length > 1) return 'twice'
    if (config.hide_credentials) {
      setUpstreamHeader(context, name, null)
      context.upstreamQuery = withoutArgument(context.upstreamQuery, name)
    }
    return values[0] as string
  }
  return null
}

function isExpired(credential: Readonly<Record<string, unknown>>, nowMs: number): boolean {
  if (typeof credential.ttl !== 'number' || typeof credential.created_at !== 'number') return false
  return nowMs / 1000 >= credential.created_at + credential.ttl
}
