// A service instance as a real process: answers every path with who it is, `/health` and `/__behave` as it is told.
// Started by test/support/instance.ts; leaves when its parent does (its standard input closes).
import { createServer } from 'node:http'

const [name = 'instance', port = '0'] = process.argv.slice(2)
let health = 200
/** What it does but for its health: a status, or never an answer. */
let grey = { status: 200, hang: false }
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
    grey = { status: Number(searchParams.get('status') ?? 200), hang: searchParams.has('hang') }
    response.end(String(asked))
    return
  }
  asked++
  if (grey.hang) return
  const delayMs = Number(searchParams.get('delay') ?? 0)
  request.resume().on('end', () => {
    setTimeout(() => {
      response.writeHead(Number(searchParams.get('status') ?? grey.status), {
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
server.listen(Number(port), '127.0.0.1', () => process.stdout.write(`${server.address().port}\n`))
process.stdin.resume().on('end', () => process.exit(0))
process.on('SIGTERM', () => {
  server.close(() => process.exit(0))
  server.closeIdleConnections()
})
