import { once } from 'node:events'
import { connect } from 'node:net'
import { networkInterfaces } from 'node:os'
import { ask } from './ask.ts'
import type { JoinSettings } from './join-settings.ts'

const CONNECT_MS = 2_000

/**
 * The address that others reach this machine at: the one it has towards agent or operator. Towards the machine's own agent
 * that would be loopback, which helps nobody: the agent knows its node's address.
 */
export async function ownAddress({ door }: JoinSettings, token: string | undefined): Promise<string> {
  const local = await localAddress(door.url)
  if (local !== null && !isLoopback(local)) return local
  const told = door.kind === 'agent' ? await nodeAddress(door.url, token) : local
  return told ?? firstAddress() ?? '127.0.0.1'
}

/** Null where nobody answers. */
async function localAddress(url: string): Promise<string | null> {
  const { hostname, port, protocol } = new URL(url)
  const socket = connect({
    host: hostname.replace(/^\[(.*)\]$/, '$1'),
    port: Number(port) || (protocol === 'https:' ? 443 : 80),
  })
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(CONNECT_MS) })
    return socket.localAddress?.replace(/^::ffff:/i, '') ?? null
  } catch {
    return null // it is asked again when the registration is due, and the reason is told then
  } finally {
    socket.destroy()
  }
}

async function nodeAddress(url: string, token: string | undefined): Promise<string | null> {
  const headers: Record<string, string> = token === undefined ? {} : { 'x-consul-token': token }
  try {
    const { status, text } = await ask({ method: 'GET', url: `${url}/v1/agent/self`, headers })
    if (status !== 200) return null
    const { Member } = JSON.parse(text) as { Member?: { Addr?: string } }
    return Member?.Addr ?? null
  } catch {
    return null // as above
  }
}

const firstAddress = (): string | undefined =>
  Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .find(({ family, internal }) => family === 'IPv4' && !internal)?.address

const isLoopback = (address: string): boolean => address === '::1' || address.startsWith('127.')
