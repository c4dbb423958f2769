// The socket of a plugin, at which somebody always listens. Two sockets stand behind one path: one that the working
// processes inherit, one after the other, and one at which the supervisor answers while there is none.
import {
  chmodSync,
  linkSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs'
import net, { connect, createServer, type Server, type Socket } from 'node:net'
import { basename, dirname, join } from 'node:path'

/** Longest path that fits a socket address: 107 bytes on Linux, 103 on macOS. */
const MAX_PATH_BYTES = process.platform === 'darwin' ? 103 : 107
/** `.`, up to eight digits, a letter. */
const TEMPORARY_BYTES = 10
/** Connections that wait for somebody to accept them. The kernel cuts it to net.core.somaxconn. */
export const BACKLOG = 4_096

/** Why a socket cannot be listened on. */
export class SocketFileError extends Error {
  readonly code: 'IN_USE' | 'PATH_TOO_LONG'

  constructor(code: SocketFileError['code'], message: string) {
    super(message)
    this.name = 'SocketFileError'
    this.code = code
  }
}

export interface PluginSocket {
  readonly path: string
  /**
   * Of the socket that processes inherit and listen on. While nobody does, Kong's connections wait in the kernel, as long
   * as somebody has it open: that is us.
   */
  readonly fd: number
  /** Whose Kong's new connections are from now on. */
  pointTo(who: 'workers' | 'stand-in'): void
  /** Takes no connection any more and removes the files, unless somebody else's stands at `path` by now. */
  close(): void
}

export interface PluginSocketOptions {
  readonly mode: number
  /** Connections to the stand-in. */
  readonly onConnection: (socket: Socket) => void
}

/**
 * What stands at `path` is replaced in one step, so that Kong finds either the old socket or the new one, unless a living
 * process answers on it. It points to the stand-in at first.
 * @throws SocketFileError, or what the system says.
 */
export async function openPluginSocket(
  path: string,
  { mode, onConnection }: PluginSocketOptions,
): Promise<PluginSocket> {
  if (Buffer.byteLength(path) + TEMPORARY_BYTES > MAX_PATH_BYTES) {
    const limit = MAX_PATH_BYTES - TEMPORARY_BYTES
    throw new SocketFileError(
      'PATH_TOO_LONG',
      `${path} is longer than the ${limit} bytes a socket's path may have`,
    )
  }
  if (await isAnswered(path)) throw new SocketFileError('IN_USE', `another process listens on ${path}`)
  removeLeftovers(path)
  const ours = {
    workers: besides(path, 'w'),
    'stand-in': besides(path, 's'),
  } as const
  for (const file of Object.values(ours)) rmSync(file, { force: true })
  const server = createServer({ pauseOnConnect: true, allowHalfOpen: true }, onConnection)
  await listen(server, ours['stand-in'])
  const handle = bind(ours.workers)
  for (const file of Object.values(ours)) chmodSync(file, mode)
  const inodes = Object.values(ours).map((file) => statSync(file).ino)
  let isAt: 'workers' | 'stand-in' | null = null
  const pointTo = (who: 'workers' | 'stand-in') => {
    if (isAt === who) return
    isAt = who
    replace(path, ours[who])
  }
  pointTo('stand-in')
  return {
    path,
    fd: handle.fd,
    pointTo,
    close() {
      const ino = statSync(path, { throwIfNoEntry: false })?.ino
      if (ino !== undefined && inodes.includes(ino)) rmSync(path, { force: true })
      server.close()
      handle.close()
      for (const file of Object.values(ours)) rmSync(file, { force: true })
    },
  }
}

/**
 * Makes the folder of the sockets. One that is new is for this user alone.
 * @returns the mode for sockets in it: 0660 where its group may enter, else 0600.
 */
export function prepareSocketFolder(folder: string): number {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  return (statSync(folder).mode & 0o070) === 0 ? 0o600 : 0o660
}

interface Handle {
  readonly fd: number
  close(): void
}

/**
 * A socket with a name, at which this process neither listens nor accepts: node:net's own servers accept as long as they
 * exist. Node's cluster makes its shared sockets by the same function.
 */
function bind(path: string): Handle {
  const { _createServerHandle: create } = net as unknown as {
    _createServerHandle(path: string, port: number, addressType: number): Handle | number
  }
  const made = tightly(() => create(path, -1, -1))
  if (typeof made === 'number') {
    throw Object.assign(new Error(`${path} cannot be bound (error ${made})`), { errno: made })
  }
  return made
}

async function listen(server: Server, path: string): Promise<void> {
  const listening = new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    tightly(() =>
      server.listen({ path, backlog: BACKLOG }, () => {
        server.off('error', reject)
        resolve()
      }),
    )
  })
  await listening
  // An accept that fails, for want of file descriptors, must not end the process.
  server.on('error', () => {})
}

/** Nobody may connect before the mode is set. */
function tightly<T>(make: () => T): T {
  const before = process.umask(0o177)
  try {
    return make()
  } finally {
    process.umask(before)
  }
}

/** `path` becomes another name of the socket `file`, in one step. */
function replace(path: string, file: string): void {
  const next = besides(path, 'n')
  rmSync(next, { force: true })
  try {
    linkSync(file, next)
  } catch {
    symlinkSync(basename(file), next) // a file system, or a system, without hard links to sockets
  }
  renameSync(next, path)
}

const besides = (path: string, letter: string): string =>
  join(dirname(path), `.${process.pid % 0xffffff}${letter}${basename(path)}`)

/** Of processes that were killed. */
function removeLeftovers(path: string): void {
  for (const file of readdirSync(dirname(path))) {
    const pid = /^\.(\d+)[wsn](.+)$/.exec(file)
    if (pid?.[2] === basename(path) && !isAlive(Number(pid[1])))
      rmSync(join(dirname(path), file), { force: true })
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path)
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}
