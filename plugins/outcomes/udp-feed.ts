// Listens for Kong's access log: syslog datagrams on loopback, one a request.
import { type BindOptions, createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { isIPv6 } from 'node:net'
import type { Logger } from '../../operator/telemetry/logger.ts'
import { type Outcome, SOURCES } from './outcome.ts'
import { createLineParser, LINE_FAULTS, type LineFault } from './parse-line.ts'

export interface UdpFeedOptions {
  /** Of the lines; see feed-token.ts. */
  readonly token: string
  /** Gets every outcome, synchronously. What it throws is logged and counted. */
  readonly onOutcome: (outcome: Outcome) => void
  readonly log: Logger
  /** Default 127.0.0.1. The datagrams are not encrypted. */
  readonly host?: string
  /** Default 5140; 0 takes a free one. */
  readonly port?: number
  /**
   * Of a bound socket that somebody keeps while processes like this one come and go; `port` says nothing then. It is
   * this process's own copy, and closed with the feed.
   */
  readonly fd?: number
  /** What the kernel may hold while we are busy. Default 8 MiB; the kernel cuts it to net.core.rmem_max. */
  readonly receiveBufferBytes?: number
}

export interface UdpFeed {
  readonly port: number
  /** Bytes the kernel may really hold. */
  readonly receiveBufferBytes: number
  readonly counts: FeedCounts
  close(): Promise<void>
}

/** Running totals, kept as plain numbers: they change with every request. */
export interface FeedCounts {
  readonly outcomes: Record<Outcome['source'], number>
  readonly rejected: Record<LineFault, number>
  /** Outcomes of requests that mesh-tracing did not see, or whose headers somebody else wrote. */
  withoutMesh: number
  /** Outcomes on which `onOutcome` threw. */
  failed: number
}

const RECEIVE_BUFFER_BYTES = 8 * 2 ** 20
/** A receiver that throws is told about this often at most. */
const LOG_EVERY_MS = 10_000

/** Starts to listen. @throws Error that names the address when it cannot be listened on. */
export const listenUdpFeed = (options: UdpFeedOptions): Promise<UdpFeed> =>
  prepareUdpFeed(options).listen(options.fd)

/** A feed that has everything but its socket's place: a process that takes over listens within a millisecond. */
export interface PreparedFeed {
  /** @param fd see UdpFeedOptions. @throws Error that names the address when it cannot be listened on */
  listen(fd: number | undefined): Promise<UdpFeed>
}

/** Prepares a feed; nothing is read yet. `options.fd` says nothing. */
export function prepareUdpFeed(options: UdpFeedOptions): PreparedFeed {
  const { host = '127.0.0.1', port = 5140, receiveBufferBytes = RECEIVE_BUFFER_BYTES, log } = options
  const parse = createLineParser(options.token)
  const counts: FeedCounts = {
    outcomes: zeros(SOURCES),
    rejected: zeros(LINE_FAULTS),
    withoutMesh: 0,
    failed: 0,
  }
  const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4')
  let loggedAtMs = Number.NEGATIVE_INFINITY
  const receive = (datagram: Buffer) => {
    const outcome = parse(datagram)
    if (typeof outcome === 'string') {
      counts.rejected[outcome]++
      return
    }
    counts.outcomes[outcome.source]++
    if (outcome.serviceId === null) counts.withoutMesh++
    try {
      options.onOutcome(outcome)
    } catch (error) {
      counts.failed++
      if (performance.now() - loggedAtMs < LOG_EVERY_MS) return
      loggedAtMs = performance.now()
      log.error('an outcome could not be used', { error: String((error as Error)?.stack ?? error) })
    }
  }
  socket.on('message', receive) // before it is bound: lines may wait in it
  return {
    async listen(fd) {
      await bind(socket, fd === undefined ? { address: host, port } : { fd, exclusive: true })
      socket.on('error', (error) => log.warn('the feed of the access log had an error', { error }))
      growBuffer(socket, receiveBufferBytes)
      return {
        port: socket.address().port,
        receiveBufferBytes: socket.getRecvBufferSize(),
        counts,
        close: async () => {
          socket.off('message', receive)
          const closed = once(socket, 'close')
          socket.close()
          await closed
        },
      }
    },
  }
}

async function bind(socket: Socket, to: BindOptions): Promise<void> {
  try {
    const listening = once(socket, 'listening') // with a file descriptor it comes before bind() is back
    socket.bind(to)
    await listening
  } catch (error) {
    const where = to.fd === undefined ? `UDP ${to.address}:${to.port}` : `file descriptor ${to.fd}`
    throw new Error(
      `the feed cannot listen on ${where}: ${(error as Error).message}. ` +
        'Is another `kongsul plugins` running? KONGSUL_PORT_FEED sets another port, for Kong too.',
      { cause: error },
    )
  }
}

function growBuffer(socket: Socket, bytes: number): void {
  try {
    socket.setRecvBufferSize(bytes)
  } catch {
    // Some systems refuse what is too much instead of cutting it; what there is remains.
  }
}

function zeros<Name extends string>(names: readonly Name[]): Record<Name, number> {
  return Object.fromEntries(names.map((name) => [name, 0])) as Record<Name, number>
}
