// A small HTTP service to look at: answers who it is, and calls another service through the gateway when told to.
import { once } from 'node:events'
import { Agent, createServer, type IncomingMessage, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { networkInterfaces } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import type { Command } from 'commander'
import { exitWithParent } from './exit-with-parent.ts'

const CALL_TIMEOUT_MS = 5_000
const REPORT_EVERY_MS = 250
/** How long the gateway may take to hear that this instance has left. */
const LEAVE_AFTER_MS = 500
const PASSED_ON = ['traceparent', 'tracestate', 'x-request-id']
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
  const agent = new Agent({ keepAlive: true })
  let requests = 0
  let failUntilMs = 0
  const server = createServer(async (incoming, answer) => {
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
    requests++
    const self = { service, instance: id, pid: process.pid, path: incoming.url, ...received(incoming) }
    if (performance.now() < failUntilMs) return send(500, { ...self, failed: 'as it was told to' })
    if (!calls || !proxyUrl) return send(200, self)
    try {
      const called = await call(proxyUrl, calls, incoming, agent)
      send(called.status < 500 ? 200 : 502, { ...self, called: called.body })
    } catch (error) {
      send(502, { ...self, failed: `${calls} through ${proxyUrl}: ${(error as Error).message}` })
    }
  })
  await once(server.listen(Number(port), address), 'listening')
  report({ port: (server.address() as AddressInfo).port })

  const listening = (server.address() as AddressInfo).port
  const leave =
    register === undefined ? null : await enrol(register, { service, id, address, port: listening })

  let reported = 0
  const timer = setInterval(() => {
    if (requests !== reported) report({ requests })
    reported = requests
  }, REPORT_EVERY_MS)
  const stop = async () => {
    clearInterval(timer)
    // Out of Consul first: requests that are on their way are still answered.
    await leave?.()
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
}

/** Registers in Consul; answers what takes it out again. */
async function enrol(url: string, { service, id, address, port }: Enrolment): Promise<() => Promise<void>> {
  const { agentApi } = await import('../agent-api.ts')
  const agent = agentApi({ url })
  await agent.register({
    id,
    name: service,
    address,
    port,
    check: {
      name: 'GET /health',
      http: `http://${address}:${port}/health`,
      interval: '1s',
      timeout: '1s',
      status: 'passing',
      deregistercriticalserviceafter: '1m',
    },
  })
  return async () => {
    await agent.deregister(id).catch((error) => process.stderr.write(`${(error as Error).message}\n`))
    await delay(LEAVE_AFTER_MS)
  }
}

function report(message: SampleReport): void {
  if (process.connected) process.send!(message)
  else if ('port' in message) process.stdout.write(`${message.port}\n`)
}

async function call(
  proxyUrl: string,
  host: string,
  incoming: IncomingMessage,
  agent: Agent,
): Promise<{ status: number; body: unknown }> {
  const passedOn = Object.fromEntries(
    PASSED_ON.flatMap((name) => {
      const value = incoming.headers[name]
      return value === undefined ? [] : [[name, value]]
    }),
  )
  const outgoing = request(proxyUrl, {
    agent,
    headers: { ...passedOn, host },
    signal: AbortSignal.timeout(CALL_TIMEOUT_MS),
  })
  // Without a listener an error after the answer has begun would end the process; reading the body reports it.
  outgoing.on('error', () => {})
  outgoing.end()
  const [answer] = (await once(outgoing, 'response')) as [IncomingMessage]
  let text = ''
  for await (const chunk of answer.setEncoding('utf8')) text += chunk
  return { status: answer.statusCode ?? 502, body: parsed(text) }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text // an error page of a gateway need not be JSON
  }
}
