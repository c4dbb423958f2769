import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import net from 'node:net'
import { type Packable, pack } from '../../kong/gateway/plugin-server/message-pack.ts'
import { type Unpacked, unpack } from '../../kong/gateway/plugin-server/message-unpack.ts'

/** One message from a gateway, and the connection it came on, counted from 1. */
export interface RpcMessage {
  readonly connection: number
  readonly bytes: Buffer
  readonly id: number
  readonly method: string
  readonly args: readonly Unpacked[]
}

export interface ScriptedPluginServer {
  readonly received: readonly RpcMessage[]
  /** Removes the socket and ends every connection. */
  close(): Promise<void>
}

/** What to answer: bytes as they are, a result for the message's id, or nothing. */
export type Script = (message: RpcMessage) => Promise<Answer> | Answer
export type Answer =
  | { readonly bytes: Buffer }
  | { readonly result: Packable }
  | { readonly error: string }
  | null

/** A plugin server that says what the test tells it to. */
export async function startScriptedPluginServer(path: string, script: Script): Promise<ScriptedPluginServer> {
  const received: RpcMessage[] = []
  const sockets = new Set<net.Socket>()
  let connections = 0
  const server = net.createServer((socket) => {
    const connection = ++connections
    let pending = Buffer.alloc(0)
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
    socket.on('data', (chunk: Buffer) => {
      pending = Buffer.concat([pending, chunk])
      for (let read = unpack(pending); read; read = unpack(pending)) {
        const bytes = pending.subarray(0, read.used)
        pending = pending.subarray(read.used)
        const [, id, method, args] = read.value as [number, number, string, Unpacked[]]
        const message = { connection, bytes, id, method, args }
        received.push(message)
        void answer(socket, message)
      }
    })
  })

  async function answer(socket: net.Socket, message: RpcMessage): Promise<void> {
    const said = await script(message)
    if (said === null || socket.destroyed) return
    if ('bytes' in said) socket.write(said.bytes)
    else if ('error' in said) socket.write(pack([1, message.id, said.error, null]))
    else socket.write(pack([1, message.id, null, said.result]))
  }

  await rm(path, { force: true })
  server.listen(path)
  await once(server, 'listening')
  return {
    received,
    close: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
      await rm(path, { force: true })
    },
  }
}
