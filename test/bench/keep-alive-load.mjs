// A client as cheap as can be, in a process of its own: one request under way on each of its kept connections, answers told
// apart by their length alone. Arguments: URL, connections, how many requests, the Host if another. Prints how many failed, and latencies in ms.
import { connect } from 'node:net'

const [url, connections, count, askedHost] = process.argv.slice(2)
const { hostname, port, pathname, host } = new URL(url)
const REQUEST = Buffer.from(`GET ${pathname} HTTP/1.1\r\nHost: ${askedHost ?? host}\r\n\r\n`)
const HEAD_END = Buffer.from('\r\n\r\n')
const took = []
const startedAt = performance.now()
let endedAt = startedAt
let failed = 0
let unsent = Number(count)

for (let at = 0; at < Number(connections); at++) {
  const socket = connect({ host: hostname, port: Number(port), noDelay: true })
  let sentAt = 0
  /** Bytes of the answer that are still to come; 0 between answers. */
  let left = 0
  const send = () => {
    if (unsent === 0) {
      socket.destroy()
      return
    }
    unsent--
    sentAt = performance.now()
    socket.write(REQUEST)
  }
  socket.on('connect', send)
  socket.on('error', () => {
    failed++
  })
  socket.on('data', (chunk) => {
    if (left === 0) {
      const end = chunk.indexOf(HEAD_END)
      const head = chunk.toString('latin1', 0, end)
      if (end < 0 || !head.startsWith('HTTP/1.1 200')) {
        failed++
        socket.destroy()
        return
      }
      left = end + HEAD_END.length + Number(/content-length: (\d+)/i.exec(head)?.[1])
    }
    left -= chunk.length
    if (left > 0) return
    left = 0
    endedAt = performance.now()
    took.push(endedAt - sentAt)
    send()
  })
}
process.on('exit', () => {
  took.sort((one, other) => one - other)
  const at = (share) => took[Math.min(took.length - 1, Math.floor(took.length * share))]
  process.stdout.write(
    JSON.stringify({
      requests: took.length,
      failed,
      seconds: (endedAt - startedAt) / 1000,
      p50: at(0.5),
      p99: at(0.99),
    }),
  )
})
