import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hasGrpcTls } from '../../operator/cli/up/consul-arguments.ts'
import { readConsulVersion } from '../../operator/cli/up/consul-version.ts'
import { findConsul } from '../../operator/setup/consul-binary.ts'
import { consulCalls, type TestConsul } from './consul.ts'
import { freePorts } from './free-port.ts'
import { killChild } from './kill-child.ts'
import { waitFor } from './wait-for.ts'

/** Three Consul servers on this machine, as `TestConsul` by one of them that did not lead at first. */
export interface ConsulCluster {
  readonly consul: TestConsul
  /** kill -9 of the server that leads; answers when it is gone. */
  killLeader(): Promise<void>
  /** Whether the others have elected a leader. */
  hasLeader(): Promise<boolean>
  /** Starts what was killed, with its data. */
  restart(): Promise<void>
}

interface Server {
  readonly http: number
  readonly rpc: number
  readonly start: () => ChildProcess
  child: ChildProcess
}

const COUNT = 3

export async function startConsulCluster(): Promise<ConsulCluster> {
  const binary = await findConsul({ log: () => {} })
  const folder = mkdtempSync(join(tmpdir(), 'kongsul-cluster-'))
  const grpcTls = hasGrpcTls(await readConsulVersion(binary)) ? ['-grpc-tls-port', -1] : []
  const ports = await freePorts(COUNT * 4)
  const portOf = (nth: number, which: number) => ports[nth * 4 + which]!
  const lans = Array.from({ length: COUNT }, (_, nth) => `127.0.0.1:${portOf(nth, 2)}`)
  const servers = lans.map((_, nth): Server => {
    const args = [
      ...['agent', '-server', '-bootstrap-expect', COUNT, '-data-dir', join(folder, `${nth}`)],
      ...['-bind', '127.0.0.1', '-client', '127.0.0.1', '-node', `server-${nth}`, '-log-level', 'err'],
      ...['-http-port', portOf(nth, 0), '-server-port', portOf(nth, 1), '-serf-lan-port', portOf(nth, 2)],
      ...['-serf-wan-port', portOf(nth, 3), '-dns-port', -1, '-grpc-port', -1, ...grpcTls],
      ...lans.flatMap((lan) => ['-retry-join', lan]),
      ...['-retry-interval', '1s', '-hcl', 'disable_update_check = true'],
    ].map(String)
    const start = () => spawn(binary, args, { stdio: 'ignore' })
    return { http: portOf(nth, 0), rpc: portOf(nth, 1), start, child: start() }
  })
  const ask = async (port: number, method: string, path: string, body?: unknown): Promise<unknown> => {
    const text = body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body)
    const signal = AbortSignal.timeout(10_000)
    const response = await fetch(`http://127.0.0.1:${port}/v1${path}`, { method, body: text, signal })
    const answer = await response.text()
    if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${answer}`)
    return answer === '' ? null : JSON.parse(answer)
  }
  const stop = async () => {
    await Promise.all(servers.map(({ child }) => killChild(child)))
    rmSync(folder, { recursive: true, force: true })
  }
  /** `host:port` of the leader's own protocol, as the first server that is alive knows it; '' without one. */
  const leader = (of: Server) => ask(of.http, 'GET', '/status/leader') as Promise<string>
  const isReady = async () => {
    const listed = await Promise.all(
      servers.map(({ http }) => ask(http, 'GET', '/catalog/nodes') as Promise<readonly unknown[]>),
    )
    return listed.every((nodes) => nodes.length === COUNT) && (await leader(servers[0]!)) !== ''
  }
  try {
    await waitFor(isReady, { deadlineMs: 60_000, pollMs: 100, what: 'three servers with a leader' })
  } catch (error) {
    await stop()
    throw error
  }
  const leads = async () => {
    const address = await leader(servers[0]!)
    return servers.find(({ rpc }) => address.endsWith(`:${rpc}`))!
  }
  const leading = await leads()
  const asked = servers.find((server) => server !== leading)!
  let killed: Server | null = null
  const request: TestConsul['request'] = (method, path, body) => ask(asked.http, method, path, body)
  const kill = async () => {
    for (const { child } of servers) await killChild(child)
  }
  return {
    consul: {
      url: `http://127.0.0.1:${asked.http}`,
      httpPort: asked.http,
      get pid() {
        return asked.child.pid!
      },
      request,
      ...consulCalls(request),
      kill,
      start: async () => {
        for (const server of servers) server.child = server.start()
        await waitFor(isReady, { deadlineMs: 60_000, pollMs: 100, what: 'three servers with a leader' })
      },
      stop,
    },
    killLeader: async () => {
      killed = await leads()
      await killChild(killed.child)
    },
    hasLeader: async () => {
      const address = await leader(asked)
      return address !== '' && !address.endsWith(`:${killed?.rpc}`)
    },
    restart: async () => {
      if (killed !== null) killed.child = killed.start()
      killed = null
      await waitFor(isReady, { deadlineMs: 60_000, pollMs: 100, what: 'the third server being back' })
    },
  }
}
