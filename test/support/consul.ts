import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hasGrpcTls } from '../../operator/cli/up/consul-arguments.ts'
import { readConsulVersion } from '../../operator/cli/up/consul-version.ts'
import { findConsul } from '../../operator/setup/consul-binary.ts'
import { freePorts } from './free-port.ts'
import { killChild } from './kill-child.ts'
import { waitFor } from './wait-for.ts'

export interface TestConsul {
  /** e.g. http://127.0.0.1:39125 */
  readonly url: string
  readonly httpPort: number
  /** Of the process that runs now. */
  readonly pid: number
  /** One request to /v1<path>; throws on a status of 400 and more. */
  request(method: string, path: string, body?: unknown): Promise<unknown>
  register(service: Registration): Promise<void>
  deregister(id: string): Promise<void>
  /** Sets a TTL check, by default the one of the service with this id. */
  setCheck(checkId: string, state: 'pass' | 'warn' | 'fail'): Promise<void>
  setKey(key: string, value: unknown): Promise<void>
  deleteKey(key: string): Promise<void>
  /** SIGKILL, no goodbye. */
  kill(): Promise<void>
  /** On the same ports: with its data when `keepData` was asked for, else empty. */
  start(): Promise<void>
  stop(): Promise<void>
}

/** Body of /v1/agent/service/register, as far as tests use it. */
export interface Registration {
  readonly Name: string
  readonly ID?: string
  readonly Address?: string
  readonly Port?: number
  readonly Tags?: readonly string[]
  readonly Meta?: Readonly<Record<string, string>>
  readonly Weights?: { readonly Passing: number; readonly Warning: number }
  readonly Check?: unknown
  readonly Checks?: readonly unknown[]
}

export interface ConsulOptions {
  readonly keepData?: boolean
  /** Where it keeps it, else in the temporary folder. */
  readonly dataFolder?: string
  /** Access control with the policy deny; requests of the test itself have every right. */
  readonly acl?: boolean
  /** More of the agent's configuration, for `-config-file`. */
  readonly config?: Readonly<Record<string, unknown>>
}

/** A real Consul agent (one server) on free ports; in memory unless `keepData`. */
export async function startConsul({
  keepData = false,
  dataFolder,
  acl = false,
  config = {},
}: ConsulOptions = {}): Promise<TestConsul> {
  const binary = await findConsul({ log: () => {} })
  const [httpPort, serverPort, lanPort, wanPort] = (await freePorts(4)) as [number, number, number, number]
  const dataDir = keepData ? mkdtempSync(join(dataFolder ?? tmpdir(), 'kongsul-consul-')) : null
  const url = `http://127.0.0.1:${httpPort}`
  const configDir = mkdtempSync(join(tmpdir(), 'kongsul-consul-config-'))
  // What a token may is asked anew each time, which a server else remembers for half a minute.
  const ttl = { policy_ttl: '1ms', token_ttl: '1ms', role_ttl: '1ms' }
  const access = acl ? { acl: { enabled: true, default_policy: 'deny', down_policy: 'deny', ...ttl } } : {}
  // Else a server with data elects itself after 5 to 10 s, and an agent waits 15 to 30 s for its next full
  // synchronisation where the first found no leader within 7: what it is told meanwhile nobody else hears.
  const performance = { raft_multiplier: 1 }
  const known = { performance, disable_update_check: true, ...access, ...config }
  writeFileSync(join(configDir, 'agent.json'), JSON.stringify(known))
  const grpcTls = hasGrpcTls(await readConsulVersion(binary)) ? ['-grpc-tls-port', -1] : []
  let child: ChildProcess | null = null
  let headers: Record<string, string> = {}

  const request = async (method: string, path: string, body?: unknown): Promise<unknown> => {
    const text = body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body)
    const send = () =>
      fetch(`${url}/v1${path}`, { method, headers, body: text, signal: AbortSignal.timeout(10_000) })
    const response = await send().catch(async (error: Error) => {
      if (isLostConnection(error)) return await send()
      throw new Error(`${method} ${path}: ${error.message}: ${String(error.cause ?? '')}`, { cause: error })
    })
    const answer = await response.text()
    if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${answer}`)
    return answer === '' ? null : JSON.parse(answer)
  }

  const start = async () => {
    const where = dataDir === null ? ['-dev'] : ['-server', '-bootstrap-expect=1', '-data-dir', dataDir]
    const args = ['agent', ...where, '-bind', '127.0.0.1', '-client', '127.0.0.1', '-node', 'test-node']
    const ports = ['-http-port', httpPort, '-server-port', serverPort, '-dns-port', -1, '-grpc-port', -1]
    const serf = ['-serf-lan-port', lanPort, '-serf-wan-port', wanPort, '-log-level', 'err']
    const more = ['-config-file', join(configDir, 'agent.json')]
    child = spawn(binary, [...args, ...ports, ...grpcTls, ...serf, ...more].map(String), { stdio: 'ignore' })
    if (dataDir === null) headers = {}
    if (acl && headers['x-consul-token'] === undefined) {
      const bootstrap = () => request('PUT', '/acl/bootstrap') as Promise<{ SecretID: string }>
      const { SecretID } = await waitFor(bootstrap, { pollMs: 50, what: 'the ACLs' })
      headers = { 'x-consul-token': SecretID }
    }
    // What is deregistered at the agent leaves the catalog by the agent's own token (1.8.7: by that of the service).
    const Token = headers['x-consul-token']
    const giveToken = () => request('PUT', '/agent/token/agent', { Token }).then(() => true)
    if (acl) await waitFor(giveToken, { pollMs: 50, what: 'the token of the agent' })
    const ready = async () => {
      const services = (await request('GET', '/catalog/services')) as Record<string, unknown>
      return services.consul !== undefined
    }
    await waitFor(ready, { pollMs: 50, what: 'Consul being ready' })
  }
  const kill = () => killChild(child)

  await start()
  return {
    url,
    httpPort,
    get pid() {
      return child!.pid!
    },
    request,
    ...consulCalls(request),
    kill,
    start,
    stop: async () => {
      await kill()
      for (const dir of [dataDir, configDir]) if (dir !== null) rmSync(dir, { recursive: true, force: true })
    },
  }
}

/** An idle connection that ends as it is used again: what is asked of Consul may be asked again (RFC 9110, 9.2.2). */
const isLostConnection = ({ cause }: Error): boolean =>
  ['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET'].includes(
    (cause as { readonly code?: string } | undefined)?.code ?? '',
  )

/** What tests ask of an agent most. */
export const consulCalls = (
  request: TestConsul['request'],
): Pick<TestConsul, 'register' | 'deregister' | 'setCheck' | 'setKey' | 'deleteKey'> => ({
  register: async (service) => void (await request('PUT', '/agent/service/register', service)),
  deregister: async (id) =>
    void (await request('PUT', `/agent/service/deregister/${encodeURIComponent(id)}`)),
  setCheck: async (id, state) =>
    void (await request('PUT', `/agent/check/${state}/${encodeURIComponent(id)}`)),
  setKey: async (key, value) => void (await request('PUT', `/kv/${key}`, value)),
  deleteKey: async (key) => void (await request('DELETE', `/kv/${key}`)),
})
