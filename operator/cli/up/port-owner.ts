import { execFile } from 'node:child_process'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { promisify } from 'node:util'
import type { Protocol } from './free-ports.ts'

export interface PortOwner {
  readonly pid: number
  /** What it was started with, cut to a readable length. */
  readonly command: string
}

/** The process that listens on a port of this machine; null when it is not ours to see. */
export async function readPortOwner(port: number, protocol: Protocol = 'tcp'): Promise<PortOwner | null> {
  return process.platform === 'linux' ? linuxOwner(port, protocol) : lsofOwner(port, protocol)
}

/** `node (pid 4711: node server.js)`, or why the owner is not known. */
export function describeOwner(owner: PortOwner | null): string {
  if (!owner) return 'a process of another user (`sudo ss -ltunp` names it)'
  return `process ${owner.pid} (${owner.command})`
}

/** What /proc/net calls a socket that waits for somebody: listening, and bound without a peer. */
const WAITING = { tcp: '0A', udp: '07' } as const

/**
 * Inodes of the sockets that listen on `port`, from the text of /proc/net/tcp, tcp6, udp or udp6.
 * Column 2 is the local address with the port in hex, 4 the state, 10 the inode.
 */
export function listeningInodes(table: string, port: number, protocol: Protocol = 'tcp'): string[] {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  return table
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter((columns) => columns[1]?.endsWith(wanted) && columns[3] === WAITING[protocol])
    .map((columns) => columns[9]!)
}

function linuxOwner(port: number, protocol: Protocol): PortOwner | null {
  const inodes = [`/proc/net/${protocol}`, `/proc/net/${protocol}6`].flatMap((table) =>
    listeningInodes(readOr(table, ''), port, protocol),
  )
  const sockets = new Set(inodes.map((inode) => `socket:[${inode}]`))
  if (sockets.size === 0) return null
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    if (descriptorsOf(pid).some((target) => sockets.has(target))) {
      return { pid: Number(pid), command: shorten(readOr(`/proc/${pid}/cmdline`, '').replaceAll('\0', ' ')) }
    }
  }
  return null
}

function descriptorsOf(pid: string): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      try {
        return [readlinkSync(`/proc/${pid}/fd/${fd}`)]
      } catch {
        return [] // closed while we looked
      }
    })
  } catch {
    return [] // another user's process, or gone while we looked
  }
}

async function lsofOwner(port: number, protocol: Protocol): Promise<PortOwner | null> {
  const which = protocol === 'udp' ? [`-iUDP:${port}`] : [`-iTCP:${port}`, '-sTCP:LISTEN']
  try {
    const { stdout } = await promisify(execFile)('lsof', ['-nP', ...which, '-Fp'])
    const pid = /^p(\d+)/m.exec(stdout)?.[1]
    if (!pid) return null
    const { stdout: command } = await promisify(execFile)('ps', ['-o', 'command=', '-p', pid])
    return { pid: Number(pid), command: shorten(command) }
  } catch {
    return null // no lsof, or nothing of ours listens there
  }
}

function readOr(path: string, fallback: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return fallback // no such table (IPv6 off), or the process is gone
  }
}

function shorten(command: string): string {
  const line = command.trim() || 'unknown command'
  return line.length > 100 ? `${line.slice(0, 99)}…` : line
}
