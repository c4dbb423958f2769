// The service's own Consul agent: https://developer.hashicorp.com/consul/api-docs/agent/service and .../check
import { ask, refuse } from './ask.ts'
import type { Door, PlainRequest, Telling } from './door.ts'
import type { JoinSettings } from './join-settings.ts'

const CHECK_STATUS = { healthy: 'passing', degraded: 'warning', unhealthy: 'critical' } as const

export function agentDoor(settings: JoinSettings, address: string, token: string | undefined): Door {
  const id = settings.id ?? `${settings.service}-${address}-${settings.port}`
  const headers: Record<string, string> = token === undefined ? {} : { 'x-consul-token': token }
  const at = (method: string, path: string): PlainRequest => ({
    method,
    url: `${settings.door.url}/v1/agent/${path}`,
    headers,
  })
  const named = encodeURIComponent(id)
  const goodbye = at('PUT', `service/deregister/${named}`)
  /** @returns false where the agent does not know what was named */
  const put = async (request: PlainRequest, body?: unknown): Promise<boolean> => {
    const answer = await ask(request, body)
    if (answer.status < 300) return true
    return isUnknown(answer) ? false : refuse(request, answer)
  }
  return {
    id,
    goodbye,
    register: async (telling) =>
      void (await put(at('PUT', 'service/register'), agentRegistration(settings, { id, address }, telling))),
    renew: ({ health, note }) => {
      if (settings.check !== null) return put(at('GET', `service/${named}`))
      const check = at('PUT', `check/update/${encodeURIComponent(`service:${id}`)}`)
      return put(check, { Status: CHECK_STATUS[health], Output: note })
    },
    deregister: async () => void (await put(goodbye)),
  }
}

/** Body of /v1/agent/service/register. Pure. */
export function agentRegistration(
  { service, port, tags, meta, weight, ttlSeconds, check, deregisterAfterSeconds }: JoinSettings,
  { id, address }: { readonly id: string; readonly address: string },
  { health, note }: Telling,
): object {
  const host = address.includes(':') ? `[${address}]` : address
  const kind =
    check === null
      ? { TTL: `${ttlSeconds}s`, Status: CHECK_STATUS[health], Notes: 'kept by kongsul/client' }
      : {
          HTTP: `http://${host}:${port}${check.path}`,
          Interval: `${check.intervalSeconds}s`,
          Timeout: `${check.timeoutSeconds}s`,
          // Whoever registers is alive.
          Status: 'passing',
        }
  return {
    ID: id,
    Name: service,
    Address: address,
    Port: port,
    Tags: tags,
    Meta: meta,
    ...(weight === undefined ? {} : { Weights: { Passing: weight, Warning: Math.min(weight, 1) } }),
    Check: {
      CheckID: `service:${id}`,
      ...kind,
      ...(note === '' ? {} : { Output: note }),
      DeregisterCriticalServiceAfter: `${deregisterAfterSeconds}s`,
    },
  }
}

/** Consul 1.8 answers 500 with words where later versions answer 404. */
const isUnknown = ({ status, text }: { status: number; text: string }): boolean =>
  status === 404 || /unknown (?:service|check)|does not have associated TTL/i.test(text)
