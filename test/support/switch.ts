import { once } from 'node:events'
import net, { type AddressInfo } from 'node:net'

export interface Switch {
  readonly url: string
  /** Ends every connection after `change`, so that new ones go where it says now. */
  cut(change: () => void): Promise<void>
  close(): Promise<void>
}

/** A TCP proxy whose target may change: one address, another server behind it. */
export async function startSwitch(targetUrl: () => string): Promise<Switch> {
  const open = new Set<net.Socket>()
  const server = net.createServer((client) => {
    const { hostname, port } = new URL(targetUrl())
    const onward = net.connect(Number(port), hostname)
    for (const socket of [client, onward]) {
      open.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        open.delete(socket)
        client.destroy()
        onward.destroy()
      })
    }
    client.pipe(onward).pipe(client)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const cutAll = () => {
    for (const socket of open) socket.destroy()
  }
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut: async (change) => {
      change()
      cutAll()
    },
    close: async () => {
      cutAll()
      await new Promise((done) => server.close(done))
    },
  }
}
