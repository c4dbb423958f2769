// Real Consul, a gateway (the dev gateway, or the Kong that KONG_ADMIN_URL and KONG_PROXY_URL name) and the operator in the
// test's own process: what it decides can be looked at, and it can be stopped and started again within milliseconds.
import { type Gateway, startGateway } from '../../kong/gateway/gateway.ts'
import { type Operator, startOperator } from '../../operator/sync/operator.ts'
import type { OperatorConfig } from '../../operator/sync/operator-config.ts'
import { silentLogger } from '../../operator/telemetry/logger.ts'
import { type ConsulOptions, startConsul, type TestConsul } from './consul.ts'
import { GATEWAY_TIMES } from './gateway-times.ts'
import { type GivenKong, givenKong } from './given-kong.ts'
import { operatorConfig } from './operator-config.ts'
import { waitFor } from './wait-for.ts'

// biome-ignore lint/suspicious/noExplicitAny: tests read any field of any entity
export type KongRow = any

export interface Stack {
  readonly consul: TestConsul
  readonly gateway: StackGateway
  readonly adminUrl: string
  readonly proxyUrl: string
  /** What an operator of this stack runs with. */
  config(): OperatorConfig
  /** The running operator; throws when there is none. */
  operator(): Operator
  /** Started with these changes to the configuration, and waited for until it is ready. */
  startOperator(over?: ConfigChanges): Promise<Operator>
  stopOperator(): Promise<void>
  admin(
    method: string,
    path: string,
    body?: unknown,
  ): Promise<{ readonly status: number; readonly body: KongRow }>
  /** A call of the operator's own API, below /api/v1/mesh/v2. */
  api(
    method: string,
    path: string,
    body?: unknown,
  ): Promise<{ readonly status: number; readonly body: KongRow }>
  /** Targets of a service as { 'host:port': weight }. */
  weights(service: string): Promise<Record<string, number>>
  /** Waits until the operator has nothing left to do. */
  settled(): Promise<void>
  stop(): Promise<void>
}

/** Of a Kong that is somebody else's, closing removes what the test has left there. */
export interface StackGateway extends GivenKong {
  close(): Promise<void>
}

export interface ConfigChanges extends Partial<Omit<OperatorConfig, 'kong'>> {
  readonly kong?: Partial<OperatorConfig['kong']>
}

export interface StackOptions extends ConsulOptions {
  /** More KONG_* variables of the gateway, which is then one of ours. */
  readonly kongEnv?: Readonly<Record<string, string>>
  /** Ports that others have to know before anything is started; free ones otherwise. With `admin` the gateway is one of ours. */
  readonly ports?: { readonly admin?: number | undefined; readonly api: number }
  /** Whether the gateway is to have the mesh's plugins: which given Kong will do. */
  readonly hasPlugins?: boolean
  /** A gateway of ours whatever the environment says: for tests that take it away. */
  readonly ownGateway?: boolean
  /** Whether the gateway speaks TLS as well; KONG_PROXY_TLS_URL says where that of the environment does. */
  readonly tls?: boolean
  /** Folder of a built dashboard, to be served. */
  readonly dashboard?: string
}

export async function startStack({
  kongEnv,
  ports,
  tls = false,
  hasPlugins = false,
  ownGateway = kongEnv !== undefined ||
    ports?.admin !== undefined ||
    (tls && !process.env.KONG_PROXY_TLS_URL),
  dashboard,
  ...options
}: StackOptions = {}): Promise<Stack> {
  const consul = await startConsul(options)
  const given = ownGateway ? null : givenKong({ hasPlugins })
  const gateway =
    given === null
      ? stackGateway(await startTestGateway(kongEnv, ports?.admin, tls))
      : { ...given, close: () => sweepKong(given.adminUrl) }
  const { adminUrl, proxyUrl } = gateway
  let operator: Operator | null = null
  /** Paths of what a test made by hand. */
  const made: string[] = []

  const config = (apiPort?: number) => operatorConfig({ consulUrl: consul.url, adminUrl, proxyUrl, apiPort })
  const running = (): Operator => {
    if (operator === null) throw new Error('no operator is running')
    return operator
  }
  const admin: Stack['admin'] = async (method, path, body) => {
    const answer = await asked(`${adminUrl}${path}`, method, body)
    const isDone = answer.status < 300
    if (method === 'POST' && isDone && answer.body?.id) made.push(`${path.split('?')[0]}/${answer.body.id}`)
    if (method === 'PUT' && isDone) made.push(path)
    return answer
  }
  /** Of a Kong that goes on. */
  const leave = async () => {
    for (const path of made.reverse()) await fetch(`${adminUrl}${path}`, { method: 'DELETE' })
  }
  return {
    consul,
    gateway,
    adminUrl,
    proxyUrl,
    config: () => config(ports?.api),
    operator: running,
    startOperator: async ({ kong, ...over } = {}) => {
      operator = await startOperator(
        {
          ...config(ports?.api),
          ...over,
          kong: { ...config().kong, ...kong },
        },
        { log: silentLogger, ...(dashboard === undefined ? {} : { dashboard }) },
      )
      const ready = () => operator!.status().ready || Promise.reject(operator!.status().reasons)
      await waitFor(ready, { what: 'the operator being ready' })
      return operator
    },
    stopOperator: async () => {
      await operator?.stop()
      operator = null
    },
    admin,
    api: (method, path, body) => asked(`${running().url}/api/v1/mesh/v2${path}`, method, body),
    weights: async (service) => {
      const { body } = await admin('GET', `/upstreams/${service}.mesh/targets?size=1000`)
      const rows: { target: string; weight: number }[] = body.data ?? []
      return Object.fromEntries(rows.map(({ target, weight }) => [target, weight]).sort())
    },
    settled: async () => {
      await waitFor(() => running().status().pending.length === 0, { what: 'nothing being pending' })
    },
    stop: async () => {
      await operator?.stop()
      if (given !== null) await leave()
      await Promise.all([gateway.close(), consul.stop()])
    },
  }
}

async function asked(url: string, method: string, body: unknown): Promise<{ status: number; body: KongRow }> {
  const json = { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }
  const answer = await fetch(url, { method, ...(body === undefined ? {} : json) })
  const text = await answer.text()
  return { status: answer.status, body: text === '' ? null : JSON.parse(text) }
}

const stackGateway = (gateway: Gateway): StackGateway => ({
  adminUrl: `http://127.0.0.1:${gateway.adminPort}`,
  proxyUrl: `http://127.0.0.1:${gateway.proxyPort}`,
  proxyTlsPort: gateway.proxyTlsPort,
  close: () => gateway.close(),
})

/** What is used goes last. */
const KINDS = ['plugins', 'routes', 'services', 'upstreams', 'consumers', 'certificates', 'ca_certificates']

/** Removes what the operator has written to a Kong that goes on. */
async function sweepKong(adminUrl: string): Promise<void> {
  for (const kind of KINDS) {
    const listed = await fetch(`${adminUrl}/${kind}?size=1000&tags=managed-by:kongsul`)
    const { data } = (await listed.json()) as { data: readonly { readonly id: string }[] }
    for (const { id } of data) await fetch(`${adminUrl}/${kind}/${id}`, { method: 'DELETE' })
  }
}

export const startTestGateway = (
  env: Readonly<Record<string, string>> = {},
  adminPort = 0,
  tls = false,
): Promise<Gateway> =>
  startGateway({
    proxyPort: 0,
    ...(tls ? { proxyTlsPort: 0 } : {}),
    adminPort,
    log: silentLogger,
    env: { ...GATEWAY_TIMES, ...env },
  })
