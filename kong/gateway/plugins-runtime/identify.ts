import type { RequestContext } from '../proxy/request-context.ts'
import type { Store } from '../store.ts'
import { setUpstreamHeader } from './plugin.ts'

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

/** `anonymous` is a consumer's id or username. */
export function becomeAnonymous(context: RequestContext, anonymous: string, store: Store): void {
  const row = store.get('consumers', anonymous) ?? store.find('consumers', 'username', anonymous)
  if (row) identify(context, store, row.id, null)
}
