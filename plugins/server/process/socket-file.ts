import { chmodSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { dirname, join } from 'node:path'

/** Longest path that fits a socket address: 107 bytes on Linux, 103 on macOS. */
const MAX_PATH_BYTES = process.platform === 'darwin' ? 103 : 107

/** Why a socket cannot be listened on. */
export class SocketFileError extends Error {
  readonly code: 'IN_USE' | 'PATH_TOO_LONG'

  constructor(code: SocketFileError['code'], message: string) {
    super(message)
    this.name = 'SocketFileError'
    this.code = code
  }
}

/** A socket that is listened on. */
export interface SocketFile {
  readonly path: string
  readonly mode: number
  /** Takes no connection any more and removes the file, unless somebody else's stands there by now. */
  close(): void
}

/**
 * Listens on `path`. What stands there is replaced in one step, so that Kong finds either the old socket or the new one,
 * unless a living process answers on it.
 * @throws SocketFileError, or what the system says.
 */
export async function listenOnFile(
  path: string,
  { mode, onConnection }: { readonly mode: number; readonly onConnection: (socket: Socket) => void },
): Promise<SocketFile> {
  if (Buffer.byteLength(path) + TEMPORARY_BYTES > MAX_PATH_BYTES) {
    const limit = MAX_PATH_BYTES - TEMPORARY_BYTES
    throw new SocketFileError(
      'PATH_TOO_LONG',
      `${path} is longer than the ${limit} bytes a socket's path may have`,
    )
  }
  if (await isAnswered(path)) throw new SocketFileError('IN_USE', `another process listens on ${path}`)
  const temporary = join(dirname(path), `.${process.pid % 0xffffff}~${path.slice(dirname(path).length + 1)}`)
  rmSync(temporary, { force: true })
  const server = createServer({ pauseOnConnect: true, allowHalfOpen: true }, onConnection)
  await bind(server, temporary)
  chmodSync(temporary, mode)
  renameSync(temporary, path)
  const { ino } = statSync(path)
  return {
    path,
    mode,
    close() {
      server.close()
      if (statSync(path, { throwIfNoEntry: false })?.ino === ino) rmSync(path, { force: true })
    },
  }
}

/** `.`, up to eight digits, `~`. */
const TEMPORARY_BYTES = 10

/** Nobody may connect before the mode is set. */
async function bind(server: Server, path: string): Promise<void> {
  const before = process.umask(0o177)
  const listening = new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen({ path, backlog: 4_096 }, () => {
      server.off('error', reject)
      resolve()
    })
  })
  process.umask(before)
  await listening
  // An accept that fails, for want of file descriptors, must not end the process.
  server.on('error', () => {})
}

function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path)
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}

/**
 * Makes the folder of the sockets. One that is new is for this user alone.
 * @returns the mode for sockets in it: 0660 where its group may enter, else 0600.
 */
export function prepareSocketFolder(folder: string): number {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  return (statSync(folder).mode & 0o070) === 0 ? 0o600 : 0o660
}
