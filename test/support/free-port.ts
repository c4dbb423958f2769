import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer, type Server } from 'node:net'

/**
 * Below the ports that outgoing connections get (from 32768 on Linux): one of those may be anybody's a moment later. Each test process
 * has a block of its own, which it holds by listening on its first port.
 */
const BLOCKS = { first: 10_000, size: 200, count: 50 }

let block: Promise<number> | undefined
let drawn = 0

async function claimBlock(): Promise<number> {
  const start = Math.floor(Math.random() * BLOCKS.count)
  for (let n = 0; n < BLOCKS.count; n++) {
    const port = BLOCKS.first + ((start + n) % BLOCKS.count) * BLOCKS.size
    const server = await listening(port)
    if (server === null) continue
    server.unref()
    return port
  }
  throw new Error(`no block of ports is free from ${BLOCKS.first} on`)
}

/** null: the port is taken. */
async function listening(port: number): Promise<Server | null> {
  const server = createServer().listen(port, '127.0.0.1')
  return await once(server, 'listening').then(
    () => server,
    () => null,
  )
}

async function draw(isFree: (port: number) => Promise<boolean>): Promise<number> {
  block ??= claimBlock()
  const first = await block
  for (let tries = 0; tries < BLOCKS.size; tries++) {
    const port = first + 1 + (drawn++ % (BLOCKS.size - 1))
    if (await isFree(port)) return port
  }
  throw new Error(`no port is free from ${first} to ${first + BLOCKS.size - 1}`)
}

/** Ports that are free, and that no other test process draws. */
export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = []
  while (ports.length < count) {
    ports.push(
      await draw(async (port) => {
        const server = await listening(port)
        if (server === null) return false
        await new Promise((done) => server.close(done))
        return true
      }),
    )
  }
  return ports
}

/** A UDP port that is free, and that no other test process draws. */
export async function freeUdpPort(): Promise<number> {
  return await draw(async (port) => {
    const socket = createSocket('udp4')
    socket.bind(port, '127.0.0.1')
    const isFree = await once(socket, 'listening').then(
      () => true,
      () => false,
    )
    await new Promise<void>((done) => socket.close(done))
    return isFree
  })
}
