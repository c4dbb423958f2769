import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:net'

export type Protocol = 'tcp' | 'udp'

// Below the ranges that Linux (32768) and macOS (49152) hand out to outgoing connections: what is free here
// stays free until the process that shall have it listens.
const LOWEST = 18_000
const HIGHEST = 32_000

/** Tells whether 127.0.0.1:`port` can be listened on now. */
export async function isFree(port: number, protocol: Protocol = 'tcp'): Promise<boolean> {
  if (protocol === 'udp') return canReceive(port)
  if (!(await canListen(port, '127.0.0.1'))) return false
  // macOS lets two processes share a port, one on all addresses and one on loopback; the older one is then hidden.
  return process.platform !== 'darwin' || (await canListen(port, '0.0.0.0'))
}

async function canListen(port: number, host: string): Promise<boolean> {
  const server = createServer()
  try {
    await once(server.listen(port, host), 'listening')
    return true
  } catch {
    return false // EADDRINUSE, or EACCES below 1024: not ours to take either way
  } finally {
    server.close()
  }
}

async function canReceive(port: number): Promise<boolean> {
  const socket = createSocket('udp4')
  try {
    socket.bind(port, '127.0.0.1')
    await once(socket, 'listening')
    return true
  } catch {
    return false
  } finally {
    socket.close()
  }
}

/**
 * `count` different ports that are free for TCP and for UDP.
 * @param except ports that are meant for somebody who does not listen yet
 * @throws when nearly everything is taken.
 */
export async function pickFreePorts(count: number, except: readonly number[] = []): Promise<number[]> {
  const picked = new Set<number>()
  for (let tries = 0; picked.size < count; tries++) {
    if (tries > 1_000) throw new Error(`no ${count} free ports between ${LOWEST} and ${HIGHEST}`)
    const port = LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST))
    if (picked.has(port) || except.includes(port)) continue
    if ((await isFree(port)) && (await isFree(port, 'udp'))) picked.add(port)
  }
  return [...picked]
}
