import type { RequestContext } from '../proxy/request-context.ts'
import type { Store } from '../store.ts'
import { type Exit, type Plugin, type PluginTools, setUpstreamHeader } from './plugin.ts'

/** What somebody has shown to be known by. */
export interface Credential {
  readonly id: string
  /** What the upstream gets to see of it: of a key-auth key its id, of a jwt credential its key. */
  readonly identifier: string
}

/** Makes the consumer known to later plugins, and to the upstream by headers a client cannot forge. */
export function identify(
  context: RequestContext,
  store: Store,
  consumerId: string,
  credential: Credential | null,
): void {
  const row = store.get('consumers', consumerId)
  const username = (row?.username as string | null | undefined) ?? null
  const customId = (row?.custom_id as string | null | undefined) ?? null
  context.consumer = { id: consumerId, username, customId }
  context.credentialId = credential?.id ?? null
  setUpstreamHeader(context, 'X-Consumer-ID', consumerId)
  setUpstreamHeader(context, 'X-Consumer-Custom-ID', customId)
  setUpstreamHeader(context, 'X-Consumer-Username', username)
  setUpstreamHeader(context, 'X-Credential-Identifier', credential?.identifier ?? null)
  setUpstreamHeader(context, 'X-Anonymous-Consumer', credential === null ? 'true' : null)
}

/** What the configuration of every plugin says that finds out who calls. */
export interface AuthenticationConfig {
  readonly anonymous: string | null
  readonly run_on_preflight: boolean
}

/**
 * The access phase of such a plugin. With `anonymous` nobody is refused here: whoever is known already stays so, and
 * whoever is not becomes that consumer.
 */
export function accessBy<C extends AuthenticationConfig>(
  authenticate: (context: RequestContext, config: C, tools: PluginTools) => Exit | undefined,
): NonNullable<Plugin<C>['access']> {
  return (context, { config }, tools) => {
    if (!config.run_on_preflight && context.method === 'OPTIONS') return undefined
    if (config.anonymous === null || config.anonymous === undefined)
      return authenticate(context, config, tools)
    if (context.credentialId !== null) return undefined
    if (authenticate(context, config, tools)) becomeAnonymous(context, config.anonymous, tools.store)
    return undefined
  }
}

/** `anonymous` is a consumer's id or username. */
function becomeAnonymous(context: RequestContext, anonymous: string, store: Store): void {
  const row = store.get('consumers', anonymous) ?? store.find('consumers', 'username', anonymous)
  if (row) identify(context, store, row.id, null)
}
