import { once } from 'node:events'
import net, { type AddressInfo, type Socket } from 'node:net'
import tls from 'node:tls'
import type { Certificate } from './make-certificate.ts'

/** TLS before a server that speaks none; it lets in clients alone that show a certificate of `clients`. */
export interface TlsDoor {
  readonly port: number
  /** The common names of certificates that were let in, one for each connection. */
  readonly let: readonly string[]
  /** Names that clients asked for (SNI). */
  readonly asked: ReadonlySet<string>
  /** Codes of handshakes that failed. */
  readonly refused: readonly string[]
  /** Another certificate of its own, or other clients, from the next connection on; those there are ended. */
  renew(own: Certificate, clients?: string | null): void
  close(): Promise<void>
}

/**
 * @param target port on loopback
 * @param clients authority of the certificates that clients have to show; null: they need none
 */
export async function startTlsDoor(
  target: number,
  own: Certificate,
  clients: string | null,
): Promise<TlsDoor> {
  const entered: string[] = []
  const asked = new Set<string>()
  const refused: string[] = []
  const sockets = new Set<Socket>()
  const context = (by: string | null) => (by === null ? {} : { ca: by })
  const demanding = clients === null ? {} : { requestCert: true, rejectUnauthorized: true }
  const server = tls.createServer({ ...own, ...context(clients), ...demanding }, (socket) => {
    if (clients !== null) entered.push(String(socket.getPeerCertificate().subject.CN))
    if (socket.servername) asked.add(socket.servername)
    const inner = net.connect(target, '127.0.0.1')
    for (const [one, other] of [
      [socket, inner],
      [inner, socket],
    ] as const) {
      sockets.add(one)
      one.on('error', () => other.destroy())
      one.on('close', () => {
        sockets.delete(one)
        other.destroy()
      })
    }
    socket.pipe(inner).pipe(socket)
  })
  server.on('tlsClientError', (error: NodeJS.ErrnoException) => refused.push(error.code ?? error.message))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const end = () => {
    for (const socket of sockets) socket.destroy()
  }
  return {
    port: (server.address() as AddressInfo).port,
    let: entered,
    asked,
    refused,
    renew: (next, by = clients) => {
      server.setSecureContext({ ...next, ...context(by) })
      end()
    },
    close: async () => {
      end()
      await new Promise((done) => server.close(done))
    },
  }
}
