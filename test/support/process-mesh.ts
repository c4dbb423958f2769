// The whole of kongsul as people run it: gateway, plugins and operator each a process of its own, real Consul, and
// instances that are processes. What they do is not held up by the test that looks on.
import { freePorts } from './free-port.ts'
import { givenKong, givenPlugins } from './given-kong.ts'
import type { InstanceProcess } from './instance.ts'
import { Mesh, type MeshOptions, type Registration } from './mesh.ts'
import { FEED_TOKEN, type PluginServer, pluginServer } from './plugin-server.ts'
import { waitFor } from './wait-for.ts'

export interface ProcessMesh {
  readonly mesh: Mesh
  readonly plugins: PluginServer
  /** Starts `kongsul plugins`, again after it was stopped. */
  startPlugins(): Promise<void>
  /** Starts the operator again, as it was, after it was stopped. */
  startOperator(): Promise<void>
  /** As Mesh.deploy, with settings in KV, and until the plugins know the circuit of the service. */
  deploy(
    service: string,
    count: number,
    settings?: object,
    registration?: Partial<Registration>,
  ): Promise<InstanceProcess[]>
  /** Health of an instance in Kong: HEALTHY, UNHEALTHY, or '' when it is not known. */
  healthOf(service: string, port: number): Promise<string>
  stop(): Promise<void>
}

export interface ProcessMeshOptions {
  /** More variables of `kongsul plugins`. */
  readonly pluginsEnv?: Readonly<Record<string, string>>
  /** Other operators that the plugins tell. */
  readonly moreOperators?: readonly string[]
  /** Where the plugins find the operator that is to listen at `url`: by default there. */
  readonly toOperator?: (url: string) => Promise<string>
  /** More variables of `kongsul operator`, which may need to know where the rest is. */
  readonly operatorEnv?:
    | Readonly<Record<string, string>>
    | ((mesh: Mesh) => Promise<Readonly<Record<string, string>>>)
  /** More arguments of `kongsul plugins`. */
  readonly pluginsArgs?: readonly string[]
  readonly meshOptions?: MeshOptions
  /** A gateway of the mesh's own whatever the environment says: for what takes it away or starts it otherwise. */
  readonly needsOwnGateway?: boolean
}

export async function startProcessMesh({
  pluginsEnv = {},
  moreOperators = [],
  toOperator = async (url) => url,
  operatorEnv = {},
  pluginsArgs = [],
  meshOptions = {},
  needsOwnGateway = meshOptions.gatewayArgs !== undefined,
}: ProcessMeshOptions = {}): Promise<ProcessMesh> {
  const [freePort, api] = (await freePorts(2)) as [number, number]
  const given = needsOwnGateway ? null : givenKong({ hasPlugins: true })
  const adminUrl = given?.adminUrl ?? `http://127.0.0.1:${freePort}`
  const plugins = await pluginServer('access_log', given && givenPlugins())
  const operators = [await toOperator(`http://127.0.0.1:${api}`), ...moreOperators].join(',')
  const startPlugins = () =>
    plugins.start({
      adminUrl,
      operators,
      more: pluginsEnv,
      args: pluginsArgs,
    })
  await startPlugins()
  const mesh = await Mesh.start(
    plugins.kongEnv,
    { admin: given === null ? freePort : undefined, api },
    { ...meshOptions, hasPlugins: true },
  )
  const stop = async () => {
    await mesh.stop()
    await plugins.stop()
  }
  const startOperator = async () => {
    const more = typeof operatorEnv === 'function' ? await operatorEnv(mesh) : operatorEnv
    await mesh.startOperator({ KONGSUL_FEED_TOKEN: FEED_TOKEN, ...more })
  }
  try {
    await startOperator()
  } catch (error) {
    await stop()
    throw error
  }
  return {
    mesh,
    plugins,
    startPlugins,
    startOperator,
    async deploy(service, count, settings, registration) {
      if (settings !== undefined) await mesh.setKv(`mesh/services/${service}`, settings)
      const instances = await mesh.deploy(service, count, registration)
      await waitFor(
        async () => {
          await mesh.get(service, '/')
          return (await plugins.metrics()).includes(`mesh_circuit_state{service="${service}"`)
        },
        { pollMs: 50, what: `the circuit of ${service}` },
      )
      return instances
    },
    async healthOf(service, port) {
      const { body } = await mesh.admin('GET', `/upstreams/${service}.mesh/health`)
      const rows = (body.data ?? []) as { target: string; health?: string }[]
      return rows.find(({ target }) => target.endsWith(`:${port}`))?.health ?? ''
    },
    stop,
  }
}
