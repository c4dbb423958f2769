import dgram from 'node:dgram'
import { once } from 'node:events'

/** Collects datagrams on a free port of 127.0.0.1. */
export interface UdpSink {
  readonly port: number
  /** Byte strings, in the order they came. */
  readonly datagrams: readonly string[]
  close(): void
}

export async function startUdpSink(): Promise<UdpSink> {
  const datagrams: string[] = []
  const socket = dgram.createSocket('udp4')
  socket.on('message', (data) => datagrams.push(data.toString('latin1')))
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return { port: socket.address().port, datagrams, close: () => socket.close() }
}
