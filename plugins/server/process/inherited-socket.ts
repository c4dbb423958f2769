import { createServer, type Server, type Socket } from 'node:net'
import { BACKLOG } from './plugin-socket.ts'

export interface InheritedSocketOptions {
  readonly onConnection: (socket: Socket) => void
  /**
   * What waits already may have waited for so long that Kong has given up: it would take our answer for that to a later
   * request. It is dropped, unread.
   */
  readonly dropsWaiting: boolean
}

/** Accepts on a socket that this process was started with. Resolves when it does. */
export async function listenOnInherited(
  fd: number,
  { onConnection, dropsWaiting }: InheritedSocketOptions,
): Promise<Server> {
  let isDropping = dropsWaiting
  let dropped = 0
  const server = createServer({ pauseOnConnect: true, allowHalfOpen: true }, (socket) => {
    if (!isDropping) return onConnection(socket)
    dropped++
    socket.destroy()
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen({ fd, backlog: BACKLOG }, () => {
      server.off('error', reject)
      resolve()
    })
  })
  // An accept that fails, for want of file descriptors, must not end the process.
  server.on('error', () => {})
  // Nobody waits any more after two turns of the loop that brought nothing.
  const look = (before: number, quietTurns: number) => {
    const turns = dropped === before ? quietTurns + 1 : 0
    if (turns === 2) isDropping = false
    else setImmediate(look, dropped, turns)
  }
  if (isDropping) setImmediate(look, dropped, 0)
  return server
}
