/** What mends an error of Consul or Kong, by its code: docs/errors.md has it at length. Pure. */

/** undefined for what is neither. */
export const whatToDo = (error: unknown): string | undefined =>
  REMEDIES.get((error as { code?: string } | null)?.code ?? '')

/** Which server an error is of. */
export function whoAnswered(error: unknown): string | undefined {
  const code = String((error as { code?: unknown } | null)?.code ?? '')
  if (code.startsWith('CONSUL_')) return 'Consul'
  return code.startsWith('KONG_') ? 'Kong’s Admin API' : undefined
}

const REMEDIES: ReadonlyMap<string, string> = new Map([
  [
    'CONSUL_UNREACHABLE',
    'start the agent there, or set CONSUL_HTTP_ADDR to one that runs; on a laptop kongsul up brings one',
  ],
  [
    'CONSUL_TIMEOUT',
    'look at the load of that agent and the network to it, or set CONSUL_HTTP_ADDR to another',
  ],
  ['CONSUL_DENIED', 'give a token that may read services, nodes and keys below mesh/: CONSUL_HTTP_TOKEN'],
  ['CONSUL_BUSY', 'try again in a minute; Consul limits how much it is asked (limits in its configuration)'],
  [
    'CONSUL_NO_LEADER',
    'try again in some seconds; else see consul operator raft list-peers: more than half of its servers have to run',
  ],
  ['CONSUL_REFUSED', 'see the log of that Consul agent'],
  [
    'KONG_UNREACHABLE',
    'start Kong there, or set KONG_ADMIN_URL to its Admin API; on a laptop kongsul up brings a stand-in',
  ],
  ['KONG_TIMEOUT', 'look at the load of that Kong and its database, or give it longer: kong.timeoutMs'],
  ['KONG_DENIED', 'give the token of the Admin API: KONGSUL_KONG_TOKEN'],
  ['KONG_BUSY', 'try again in a minute'],
  [
    'KONG_FAILED',
    'see the error log of Kong, and whether its database answers; the proxy may serve all the same',
  ],
])
