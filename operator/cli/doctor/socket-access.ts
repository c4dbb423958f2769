// May a process connect to a Unix socket? As unix(7) and path_resolution(7) say: it needs to search every folder on the
// way and to write to the socket.
import { readFileSync, realpathSync, statSync } from 'node:fs'
import { dirname } from 'node:path'

/** Who connects. */
export interface SocketUser {
  readonly uid: number
  readonly gids: readonly number[]
  /** root, as a rule: no mode keeps it out. */
  readonly mayAll: boolean
}

/** A folder on the way, or the socket at its end. */
export interface Step {
  readonly path: string
  readonly uid: number
  readonly gid: number
  readonly mode: number
}

const SEARCH = 0o1
const WRITE = 0o2

/**
 * The first step that keeps `user` from connecting; null where nothing does. Pure.
 * @param way from the root to the socket
 */
export function whatBlocks(user: SocketUser, way: readonly Step[]): Step | null {
  if (user.mayAll) return null
  return way.find((step, at) => !mayPass(user, step, at === way.length - 1 ? WRITE : SEARCH)) ?? null
}

/** The first class that fits decides, also where a later one would allow more. */
function mayPass({ uid, gids }: SocketUser, step: Step, right: number): boolean {
  const shift = uid === step.uid ? 6 : gids.includes(step.gid) ? 3 : 0
  return ((step.mode >> shift) & right) !== 0
}

/**
 * What keeps a process of this machine from a socket, in words; null where nothing does or it cannot be seen.
 * @param pid of a worker process of Kong, as Kong says
 */
export function socketTrouble(pid: number, socket: string): string | null {
  const user = userOf(pid)
  if (user === null) return null
  const way = wayTo(socket)
  if (way === null) return null
  if (way === 'missing') return `${socket} is not there`
  const step = whatBlocks(user, way)
  if (step === null) return null
  const mode = (step.mode & 0o7777).toString(8).padStart(4, '0')
  return `uid ${user.uid} may not pass ${step.path} (mode ${mode}, uid ${step.uid}, gid ${step.gid})`
}

/** Of a process of nginx that sees the same files; null for any other. */
function userOf(pid: number): SocketUser | null {
  try {
    if (!readFileSync(`/proc/${pid}/comm`, 'utf8').startsWith('nginx')) return null
    return userIn(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return null // not Linux, or not of this machine
  }
}

/** https://man7.org/linux/man-pages/man5/proc_pid_status.5.html; the second number is the effective one. */
export function userIn(status: string): SocketUser | null {
  const field = (name: string) => new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(status)?.[1]?.split(/\s+/)
  const uid = Number(field('Uid')?.[1] ?? Number.NaN)
  const gid = Number(field('Gid')?.[1] ?? Number.NaN)
  if (Number.isNaN(uid) || Number.isNaN(gid)) return null
  const capabilities = BigInt(`0x${field('CapEff')?.[0] ?? '0'}`)
  const others = (field('Groups') ?? []).filter((text) => text !== '').map(Number)
  return { uid, gids: [gid, ...others], mayAll: (capabilities & CAP_DAC_OVERRIDE) !== 0n }
}

const CAP_DAC_OVERRIDE = 0b10n

function wayTo(socket: string): readonly Step[] | 'missing' | null {
  try {
    const path = realpathSync(socket)
    const paths = [path]
    for (let at = path; at !== dirname(at); at = dirname(at)) paths.unshift(dirname(at))
    return paths.map((each) => {
      const { uid, gid, mode } = statSync(each)
      return { path: each, uid, gid, mode }
    })
  } catch (error) {
    // Whoever may not look knows nothing.
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'missing' : null
  }
}
