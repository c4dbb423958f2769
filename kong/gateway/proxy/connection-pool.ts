import net from 'node:net'
import tls from 'node:tls'
import { UpstreamConnection } from './upstream-connection.ts'

export interface PoolSettings {
  /** Idle connections kept per pool. Kong: upstream_keepalive_pool_size, 512. */
  readonly size: number
  /** Kong: upstream_keepalive_idle_timeout, 60 s. */
  readonly idleTimeoutMs: number
  /** Kong: upstream_keepalive_max_requests, 10,000. */
  readonly maxRequests: number
}

export interface Destination {
  readonly ip: string
  readonly port: number
  readonly connectTimeoutMs: number
  /** Null for plain HTTP. */
  readonly tls: UpstreamTls | null
}

export interface UpstreamTls {
  /** Server name sent and, with verification, checked. */
  readonly host: string
  readonly verify: boolean
  readonly verifyDepth: number | null
  /** PEM; undefined: the system's. */
  readonly ca: readonly string[] | undefined
  readonly clientCertificate: { readonly id: string; readonly cert: string; readonly key: string } | null
}

/**
 * Idle connections by address. As in Kong, TLS verification is not part of the key: a connection opened without
 * verification is used again by a request that asks for it.
 */
export class ConnectionPool {
  readonly #idle = new Map<string, UpstreamConnection[]>()
  readonly #open = new Set<UpstreamConnection>()
  readonly #settings: PoolSettings

  constructor(settings: PoolSettings) {
    this.#settings = settings
  }

  /** An idle connection to the destination, the one used last. */
  reuse(destination: Destination): UpstreamConnection | null {
    const list = this.#idle.get(poolKey(destination))
    while (list && list.length > 0) {
      const connection = list.pop()!
      if (connection.isUsable) return connection
    }
    return null
  }

  /** Opens a connection; calls back once, with null and the reason when it cannot. */
  connect(
    destination: Destination,
    done: (connection: UpstreamConnection | null, failure: 'error' | 'timeout') => void,
  ): () => void {
    const host = destination.ip.replace(/^\[|\]$/g, '')
    const socket = net.connect({ host, port: destination.port, noDelay: true })
    let settled = false
    const settle = (connection: UpstreamConnection | null, failure: 'error' | 'timeout'): void => {
      if (settled) return
      settled = true
      clearTimeout(timer)
      if (!connection) socket.destroy()
      done(connection, failure)
    }
    const timer = setTimeout(() => settle(null, 'timeout'), destination.connectTimeoutMs)
    const failed = (): void => settle(null, 'error')
    socket.once('error', failed)
    socket.once('close', failed)
    const ready = (stream: net.Socket): void => {
      if (settled) return
      socket.off('error', failed)
      socket.off('close', failed)
      stream.off('error', failed)
      stream.off('close', failed)
      if (stream !== socket) socket.on('error', () => {}) // the TLS socket reports it too
      const connection = new UpstreamConnection(
        stream,
        poolKey(destination),
        (idle) => this.#keep(idle),
        (gone) => this.#forget(gone),
      )
      this.#open.add(connection)
      settle(connection, 'error')
    }
    socket.once('connect', () => {
      if (!destination.tls) ready(socket)
      else handshake(socket, destination.tls, ready, failed)
    })
    return () => settle(null, 'error')
  }

  close(): void {
    for (const connection of this.#open) connection.socket.destroy()
    this.#idle.clear()
  }

  #keep(connection: UpstreamConnection): void {
    const list = this.#idle.get(connection.poolKey) ?? []
    if (list.length >= this.#settings.size || connection.served >= this.#settings.maxRequests) {
      connection.socket.end()
      return
    }
    connection.setTimeout(this.#settings.idleTimeoutMs)
    if (list.length === 0) this.#idle.set(connection.poolKey, list)
    list.push(connection)
  }

  #forget(connection: UpstreamConnection): void {
    this.#open.delete(connection)
    const list = this.#idle.get(connection.poolKey)
    const at = list?.indexOf(connection) ?? -1
    if (at >= 0) list!.splice(at, 1)
    if (list?.length === 0) this.#idle.delete(connection.poolKey)
  }
}

function poolKey({ ip, port, tls: secure }: Destination): string {
  if (!secure) return `${ip}|${port}`
  return `${ip}|${port}|${secure.host}|${secure.clientCertificate?.id ?? ''}`
}

function handshake(
  socket: net.Socket,
  secure: UpstreamTls,
  ready: (stream: net.Socket) => void,
  failed: () => void,
): void {
  const name = secure.host.replace(/:\d+$/, '')
  const stream = tls.connect({
    socket,
    ...(net.isIP(name.replace(/^\[|\]$/g, '')) ? {} : { servername: name }),
    ALPNProtocols: ['http/1.1'],
    rejectUnauthorized: secure.verify,
    checkServerIdentity: (_host, certificate) =>
      secure.verify ? checkDnsName(name, certificate) : undefined,
    ...(secure.ca ? { ca: [...secure.ca] } : {}),
    ...(secure.clientCertificate
      ? { cert: secure.clientCertificate.cert, key: secure.clientCertificate.key }
      : {}),
  })
  stream.once('secureConnect', () => ready(stream))
  stream.once('error', failed)
  stream.once('close', failed)
}

/** Only DNS names count: IP and URI names of a certificate never match, as in Kong. */
function checkDnsName(name: string, certificate: tls.PeerCertificate): Error | undefined {
  if (net.isIP(name.replace(/^\[|\]$/g, '')))
    return new Error(`certificate cannot be verified for the address ${name}`)
  return tls.checkServerIdentity(name, certificate)
}
