import net from 'node:net'

/** Sends bytes on one connection and answers all that came back until the peer closed, or `isDone` says so. */
export function sendRaw(
  port: number,
  bytes: string,
  isDone: (received: string) => boolean = () => false,
  deadlineMs = 10_000,
): Promise<string> {
  return new Promise((resolve, reject) => {
    let received = ''
    const socket = net.connect(port, '127.0.0.1', () => socket.write(bytes, 'latin1'))
    const timer = setTimeout(() => {
      socket.destroy()
      reject(new Error(`no end of the answer within ${deadlineMs} ms: ${received}`))
    }, deadlineMs)
    socket.on('data', (chunk) => {
      received += chunk.toString('latin1')
      if (isDone(received)) socket.end()
    })
    socket.on('error', reject)
    socket.on('close', () => {
      clearTimeout(timer)
      resolve(received)
    })
  })
}

export interface RawServer {
  readonly port: number
  /** Heads of the requests read so far. */
  readonly heads: readonly string[]
  /** Connections accepted so far. */
  readonly connections: () => number
  /** Connections open now. */
  readonly open: () => number
  close(): Promise<void>
}

/** A server that reads request heads (bodies are ignored) and lets `answer` write what it likes. */
export async function startRawServer(answer: (socket: net.Socket, head: string) => void): Promise<RawServer> {
  const heads: string[] = []
  const sockets = new Set<net.Socket>()
  let connections = 0
  const server = net.createServer((socket) => {
    connections++
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => {})
    let buffered = ''
    let isTunnel = false
    socket.on('data', (chunk) => {
      if (isTunnel) return
      buffered += chunk.toString('latin1')
      const end = buffered.indexOf('\r\n\r\n')
      if (end < 0) return
      const head = buffered.slice(0, end)
      const length = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? 0)
      if (buffered.length < end + 4 + length) return
      buffered = buffered.slice(end + 4 + length)
      heads.push(head)
      isTunnel = /\r\nupgrade: websocket/i.test(head)
      answer(socket, head)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as net.AddressInfo).port,
    heads,
    connections: () => connections,
    open: () => sockets.size,
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy()
        server.close(() => resolve())
      }),
  }
}
