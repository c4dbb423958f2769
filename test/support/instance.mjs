// A service instance as a real process: answers every path with who it is, `/health` and `/__behave` as it is told.
// Started by test/support/instance.ts; leaves when its parent does (its standard input closes).
import { createServer } from 'node:http'

const [name = 'instance', port = '0', host = '127.0.0.1'] = process.argv.slice(2)
let health = 200
/** What it does but for its health: a status for every so manieth, an answer that is late, or never one. */
let grey = { status: 200, hang: false, every: 1, delayMs: 0 }
let asked = 0

const server = createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://instance')
  if (pathname === '/health') {
    response.writeHead(health).end()
    return
  }
  if (pathname === '/__health') {
    health = Number(searchParams.get('status'))
    response.end()
    return
  }
  if (pathname === '/__behave') {
    grey = {
      status: Number(searchParams.get('status') ?? 200),
      hang: searchParams.has('hang'),
      every: Number(searchParams.get('every') ?? 1),
      delayMs: Number(searchParams.get('delay') ?? 0),
    }
    response.end(String(asked))
    return
  }
  asked++
  if (grey.hang) return
  const delayMs = Number(searchParams.get('delay') ?? grey.delayMs)
  const status = asked % grey.every === 0 ? grey.status : 200
  request.resume().on('end', () => {
    setTimeout(() => {
      response.writeHead(Number(searchParams.get('status') ?? status), {
        'content-type': 'application/json',
        'x-instance': name,
      })
      response.end(
        JSON.stringify({
          instance: name,
          method: request.method,
          url: request.url,
          headers: request.headers,
        }),
      )
    }, delayMs)
  })
})
server.keepAliveTimeout = 60_000
server.listen(Number(port), host, () => process.stdout.write(`${server.address().port}\n`))
process.stdin.resume().on('end', () => process.exit(0))
process.on('SIGTERM', () => {
  server.close(() => process.exit(0))
  server.closeIdleConnections()
})
