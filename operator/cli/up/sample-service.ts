// A small HTTP service to look at: answers who it is, and calls another service through the gateway when told to.
import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { networkInterfaces } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import type { Command } from 'commander'
import { join } from '../../client/client.ts'
import type { Mesh } from '../../client/public-types.ts'
import { exitWithParent } from './exit-with-parent.ts'

const CALL_TIMEOUT_MS = 5_000
const REPORT_EVERY_MS = 250
/** How long the gateway may take to hear that this instance has left. */
const LEAVE_AFTER_MS = 500
/** How long it answers 500 when told to fail, unless `?seconds=` says otherwise. */
const FAIL_SECONDS = 60

interface SampleOptions {
  readonly service: string
  readonly id?: string
  readonly port: string
  readonly calls?: string
  readonly proxyUrl?: string
  readonly register?: string
}

/** What a sample service tells `up`: first its port, then how many requests it answered. */
export type SampleReport = { readonly port: number } | { readonly requests: number }

/** Hidden command: one instance of a sample service. */
export function defineSampleService(command: Command): void {
  command
    .requiredOption('--service <name>')
    .option('--id <id>', 'instance id; service and address when not given')
    .option('--port <n>', 'port, 0 for a free one', '0')
    .option('--calls <host>', 'host of another service, called through the gateway for every request')
    .option('--proxy-url <url>')
    .option('--register <url>', 'register in the Consul there, under the address of this host')
    .action((options: SampleOptions) => serve(options))
}

async function serve({ service, port, calls, proxyUrl, register, ...given }: SampleOptions): Promise<void> {
  const address = register === undefined ? '127.0.0.1' : ownAddress()
  const id = given.id ?? `${service}-${address}`
  let requests = 0
  let failUntilMs = 0
  let answering: RequestListener = (_incoming, answer) => void answer.writeHead(503).end()
  const server = createServer((incoming, answer) => {
    incoming.resume()
    const send = (status: number, body: object) => {
      answer.writeHead(status, { 'content-type': 'application/json' }).end(`${JSON.stringify(body)}\n`)
    }
    // Whatever it answers others, its health check passes: that is what the circuit breaker is for.
    if (incoming.url === '/health') return send(200, { status: 'ok' })
    const seconds = incoming.method === 'POST' ? failSeconds(incoming.url!) : null
    if (seconds !== null) {
      failUntilMs = performance.now() + seconds * 1_000
      return send(200, { service, instance: id, fails_for_seconds: seconds })
    }
    answering(incoming, answer)
  })
  await once(server.listen(Number(port), address), 'listening')
  const listening = (server.address() as AddressInfo).port
  const mesh = await enrol(register, { service, id, address, port: listening, proxyUrl, calls })
  answering = mesh.handler(async (incoming, answer) => {
    const send = (status: number, body: object) => {
      answer.writeHead(status, { 'content-type': 'application/json' }).end(`${JSON.stringify(body)}\n`)
    }
    requests++
    const self = { service, instance: id, pid: process.pid, path: incoming.url, ...received(incoming) }
    if (performance.now() < failUntilMs) return send(500, { ...self, failed: 'as it was told to' })
    if (!calls || !proxyUrl) return send(200, self)
    try {
      const called = await call(mesh, calls)
      send(called.status < 500 ? 200 : 502, { ...self, called: called.body })
    } catch (error) {
      const { cause = error } = error as Error
      send(502, { ...self, failed: `${calls} through ${proxyUrl}: ${(cause as Error).message}` })
    }
  })
  report({ port: listening })

  let reported = 0
  const timer = setInterval(() => {
    if (requests !== reported) report({ requests })
    reported = requests
  }, REPORT_EVERY_MS)
  const stop = async () => {
    clearInterval(timer)
    // Out of Consul first: requests that are on their way are still answered.
    if (mesh.isRegistered) {
      await mesh.leave().catch((error) => process.stderr.write(`${(error as Error).message}\n`))
      await delay(LEAVE_AFTER_MS)
    }
    server.close(() => process.exit(0))
    // What is still being answered after a second is cut.
    setTimeout(() => process.exit(0), 1_000).unref()
  }
  process.once('SIGTERM', () => void stop())
  exitWithParent(() => void stop())
}

/** `/fail`: for a minute; `/fail?seconds=5`; `?seconds=0` mends it. null for all other paths. */
function failSeconds(url: string): number | null {
  const { pathname, searchParams } = new URL(url, 'http://sample')
  if (pathname !== '/fail') return null
  const seconds = Number(searchParams.get('seconds') ?? FAIL_SECONDS)
  return seconds >= 0 && seconds <= 3_600 ? seconds : FAIL_SECONDS
}

/** What the gateway's plugins gave the request. Not the seal in X-Mesh-Span: that is for Kong's log alone. */
function received({ headers, url }: IncomingMessage): object {
  const text = (name: string) => (headers[name] === undefined ? {} : { [name]: String(headers[name]) })
  if (!url!.startsWith('/headers')) return text('traceparent')
  const span = String(headers['x-mesh-span'] ?? '').split('-', 1)[0]
  return { ...text('traceparent'), ...text('x-mesh-route'), 'x-mesh-span': span }
}

/** Address of this host that others can reach: the first that is not loopback. */
function ownAddress(): string {
  const own = Object.values(networkInterfaces()).flatMap((list) => list ?? [])
  return own.find(({ family, internal }) => family === 'IPv4' && !internal)?.address ?? '127.0.0.1'
}

interface Enrolment {
  readonly service: string
  readonly id: string
  readonly address: string
  readonly port: number
  readonly proxyUrl: string | undefined
  readonly calls: string | undefined
}

/** @param consul undefined: `up` registers it */
function enrol(consul: string | undefined, { proxyUrl, calls, ...self }: Enrolment): Promise<Mesh> {
  return join({
    ...self,
    ...(proxyUrl === undefined ? {} : { proxy: proxyUrl }),
    ...(consul === undefined ? { register: false } : { consul }),
    check: { http: '/health', intervalSeconds: 1, timeoutSeconds: 1 },
    // `--calls` names the host as the gateway has it, with whatever suffix.
    ...(calls === undefined ? {} : { hostSuffix: calls.slice(calls.indexOf('.') + 1) }),
    leaveOnExit: false,
  })
}

function report(message: SampleReport): void {
  if (process.connected) process.send!(message)
  else if ('port' in message) process.stdout.write(`${message.port}\n`)
}

async function call(mesh: Mesh, host: string): Promise<{ status: number; body: unknown }> {
  const answer = await mesh.fetch(`http://${host}/`, { signal: AbortSignal.timeout(CALL_TIMEOUT_MS) })
  return { status: answer.status, body: parsed(await answer.text()) }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text // an error page of a gateway need not be JSON
  }
}
