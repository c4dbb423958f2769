import { createSocket } from 'node:dgram'
import { isIPv6 } from 'node:net'

/** Listens for a moment. @throws Error of the system, EADDRINUSE above all. */
export async function checkFeedPort(host: string, port: number): Promise<void> {
  const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4')
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject)
      socket.bind(port, host, resolve)
    })
  } finally {
    socket.close()
  }
}
