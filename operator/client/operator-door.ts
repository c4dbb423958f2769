import { ask, refuse } from './ask.ts'
import { type Door, DoorError, type PlainRequest, type Telling } from './door.ts'
import type { JoinSettings } from './join-settings.ts'

/** An operator's API: it registers with the agent that has the instance, or with its own, and finds it again. */
export function operatorDoor(settings: JoinSettings, address: string, token: string | undefined): Door {
  const id = `${settings.service}-${address}-${settings.port}`
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` }
  const at = (method: string, path: string): PlainRequest => ({
    method,
    url: `${settings.door.url}/api/v1/mesh/v2/${path}`,
    headers,
  })
  const named = encodeURIComponent(id)
  const goodbye = at('DELETE', `deregister/${named}`)
  /** @returns false where the operator does not know what was named */
  const send = async (request: PlainRequest, body?: unknown): Promise<boolean> => {
    const answer = await ask(request, body)
    if (answer.status < 300) return true
    return answer.status === 404 ? false : refuse(request, answer)
  }
  const beat = ({ health, note }: Telling) =>
    send(at('PUT', `heartbeat/${named}`), { status: health, ...(note === '' ? {} : { note }) })
  return {
    id,
    goodbye,
    register: async (telling) => {
      const request = at('POST', 'register')
      const isDone = await send(request, operatorRegistration(settings, address))
      if (!isDone) throw new DoorError(`${request.url} does not exist: is that an operator?`, true)
      // An operator takes who registers for healthy.
      if (settings.check === null && telling.health !== 'healthy') await beat(telling)
    },
    renew: async (telling) => {
      if (settings.check === null) return await beat(telling)
      const request = at('GET', `discover/${settings.service}`)
      const answer = await ask(request)
      return answer.status < 300 ? answer.text.includes(JSON.stringify(id)) : refuse(request, answer)
    },
    deregister: async () => void (await send(goodbye)),
  }
}

/** Body of POST /register. Pure. */
export function operatorRegistration(
  { service, port, tags, meta, weight, ttlSeconds, check, deregisterAfterSeconds }: JoinSettings,
  address: string,
): object {
  const after = { deregister_after: `${deregisterAfterSeconds}s` }
  const asked =
    check === null
      ? { ttl: `${ttlSeconds}s`, ...after }
      : {
          http: check.path,
          interval: `${check.intervalSeconds}s`,
          timeout: `${check.timeoutSeconds}s`,
          ...after,
        }
  return {
    service_name: service,
    address,
    port,
    tags,
    metadata: meta,
    ...(weight === undefined ? {} : { weight }),
    health_check: asked,
  }
}
