// The socket of Kong's access log, which outlives the processes that read it: lines that come while one dies and the next
// takes over wait in the kernel.
import dgram from 'node:dgram'
import { lookup } from 'node:dns/promises'
import { getSystemErrorName } from 'node:util'

/** Why nobody can listen for the access log. */
export class FeedSocketError extends Error {
  readonly code = 'FEED_PORT'
  override readonly name = 'FeedSocketError'
}

export interface FeedSocket {
  /** Of the socket that processes inherit and read from. */
  readonly fd: number
  readonly port: number
  close(): void
}

/**
 * A UDP socket from which this process does not read.
 * @param port 0 takes a free one
 * @throws FeedSocketError when it cannot be bound
 */
export async function openFeedSocket(host: string, port: number): Promise<FeedSocket> {
  const { address, family } = await lookup(host)
  const handle = withoutWarning(() => createHandle(address, port, family === 6 ? 'udp6' : 'udp4', null, 0))
  if (typeof handle === 'number') {
    throw new FeedSocketError(`${host}:${port} cannot be bound (${getSystemErrorName(handle)})`)
  }
  const bound: { port?: number } = {}
  handle.getsockname(bound)
  return { fd: handle.fd, port: bound.port!, close: () => handle.close() }
}

interface Handle {
  readonly fd: number
  getsockname(into: object): number
  close(): void
}

/** The sockets of node:dgram read as long as they exist. Node's cluster makes its shared ones by the same function. */
const { _createSocketHandle: createHandle } = dgram as unknown as {
  _createSocketHandle(
    address: string,
    port: number,
    type: 'udp4' | 'udp6',
    fd: null,
    flags: number,
  ): Handle | number
}

/** It is deprecated for everybody outside of Node (DEP0112), and there is no public way. */
function withoutWarning<T>(make: () => T): T {
  const before = process.noDeprecation
  process.noDeprecation = true
  try {
    return make()
  } finally {
    process.noDeprecation = before ?? false
  }
}
