// The whole data plane: Consul, the gateway with the mesh's plugins in a process of their own, the operator.
import { Secret } from '../../operator/telemetry/secret.ts'
import { freePorts } from './free-port.ts'
import { givenKong, givenPlugins } from './given-kong.ts'
import { type Stack, startStack } from './operator-stack.ts'
import { FEED_TOKEN, type OutcomeWays, type PluginServer, pluginServer } from './plugin-server.ts'
import { waitFor } from './wait-for.ts'

export interface PluginMesh extends Stack {
  readonly plugins: PluginServer
  /** One GET to a service. */
  get(
    service: string,
    init?: RequestInit & { path?: string },
  ): Promise<{ readonly status: number; readonly headers: Headers; readonly body: string }>
  /** Registers instances at these ports of 127.0.0.1, passing, and waits until Kong has them. */
  deploy(service: string, ports: readonly number[], settings?: object): Promise<void>
  /** Health of `127.0.0.1:port` in Kong: HEALTHY, UNHEALTHY, or '' when it is not known. */
  healthOf(service: string, port: number): Promise<string>
}

export async function startPluginMesh(
  more: Readonly<Record<string, string>> = {},
  outcomes: OutcomeWays = 'access_log',
  /** Others that the plugins tell, beside the operator of the stack. */
  moreOperators: readonly string[] = [],
  /** More KONG_* variables of the gateway, which is then one of ours. */
  kongEnv: Readonly<Record<string, string>> = {},
): Promise<PluginMesh> {
  const [freePort, api] = (await freePorts(2)) as [number, number]
  // A Kong is told once, when it starts, how outcomes are to be told.
  const isOwn = outcomes !== 'access_log' || Object.keys(kongEnv).length > 0
  const given = isOwn ? null : givenKong({ hasPlugins: true })
  const plugins = await pluginServer(outcomes, given && givenPlugins())
  const operators = [`http://127.0.0.1:${api}`, ...moreOperators].join(',')
  await plugins.start({ adminUrl: given?.adminUrl ?? `http://127.0.0.1:${freePort}`, operators, more })
  const stack = await startStack(
    given === null
      ? { kongEnv: { ...plugins.kongEnv, ...kongEnv }, ports: { admin: freePort, api } }
      : { ports: { api }, hasPlugins: true },
  )
  const stop = async () => {
    await stack.stop()
    await plugins.stop()
  }
  try {
    await stack.startOperator({
      feedToken: new Secret(FEED_TOKEN),
      outcomes: outcomes === 'access_log' ? outcomes : 'observer',
    })
  } catch (error) {
    await stop()
    throw error
  }
  const targetsOf = async (service: string) => {
    const { body } = await stack.admin('GET', `/upstreams/${service}.mesh/health`)
    return (body.data ?? []) as { target: string; health?: string }[]
  }
  return {
    ...stack,
    plugins,
    get: async (service, { path = '/', headers, ...init } = {}) => {
      const answer = await fetch(`${stack.proxyUrl}/${service}${path}`, { ...init, headers: headers ?? {} })
      return { status: answer.status, headers: answer.headers, body: await answer.text() }
    },
    deploy: async (service, ports, settings) => {
      if (settings !== undefined)
        await stack.consul.setKey(`mesh/services/${service}`, JSON.stringify(settings))
      for (const port of ports) {
        await stack.consul.register({
          Name: service,
          ID: `${service}-${port}`,
          Address: '127.0.0.1',
          Port: port,
          Check: { TTL: '600s', Status: 'passing' },
        })
      }
      await waitFor(async () => (await targetsOf(service)).length === ports.length, {
        what: `${service} in Kong`,
      })
      await stack.settled()
      await waitFor(async () => (await fetch(`${stack.proxyUrl}/${service}/`)).status !== 404, {
        what: `${service} being routed`,
      })
    },
    healthOf: async (service, port) => {
      const rows = await targetsOf(service)
      return rows.find(({ target }) => target === `127.0.0.1:${port}`)?.health ?? ''
    },
    stop,
  }
}
