// A DNS server for names of tests: answers A of what it was told, NXDOMAIN for others. On loopback, UDP alone.
import { createSocket } from 'node:dgram'
import { once } from 'node:events'

export interface DnsServer {
  /** `ip:port` */
  readonly address: string
  /** From now on the name has these IPv4 addresses. */
  set(name: string, ips: readonly string[]): void
  close(): Promise<void>
}

const TYPE_A = 1
const RESPONSE = 0x8580
const NAME_ERROR = 3

/**
 * @param port of 127.0.0.1; 0: any
 * @param ttlSeconds for how long resolvers may keep an answer
 */
export async function startDnsServer(port = 0, ttlSeconds = 1): Promise<DnsServer> {
  const names = new Map<string, readonly string[]>()
  const socket = createSocket('udp4')
  socket.on('message', (query, asker) => {
    const { name, end, type } = questionOf(query)
    const ips = names.get(name)
    const listed = type === TYPE_A ? (ips ?? []) : []
    const head = Buffer.alloc(12)
    query.copy(head, 0, 0, 2)
    head.writeUInt16BE(RESPONSE | (ips === undefined ? NAME_ERROR : 0), 2)
    head.writeUInt16BE(1, 4)
    head.writeUInt16BE(listed.length, 6)
    const answers = listed.map((ip) => answerOf(ip, ttlSeconds))
    socket.send(Buffer.concat([head, query.subarray(12, end), ...answers]), asker.port, asker.address)
  })
  socket.bind(port, '127.0.0.1')
  await once(socket, 'listening')
  return {
    address: `127.0.0.1:${socket.address().port}`,
    set: (name, ips) => void names.set(name, ips),
    close: () => new Promise((resolve) => socket.close(() => resolve())),
  }
}

function questionOf(query: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = []
  let at = 12
  for (let length = query[at]!; length > 0; length = query[at]!) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length))
    at += 1 + length
  }
  return { name: labels.join('.').toLowerCase(), type: query.readUInt16BE(at + 1), end: at + 5 }
}

/** One A record for the name of the question. */
function answerOf(ip: string, ttlSeconds: number): Buffer {
  const answer = Buffer.alloc(16)
  answer.writeUInt16BE(0xc00c, 0)
  answer.writeUInt16BE(TYPE_A, 2)
  answer.writeUInt16BE(1, 4)
  answer.writeUInt32BE(ttlSeconds, 6)
  answer.writeUInt16BE(4, 10)
  for (const [index, part] of ip.split('.').entries()) answer.writeUInt8(Number(part), 12 + index)
  return answer
}
