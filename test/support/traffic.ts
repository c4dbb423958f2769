import http from 'node:http'
import https from 'node:https'

export interface Shot {
  /** ms since the traffic began, when the request was due. */
  readonly sentMs: number
  readonly doneMs: number
  /** HTTP status; 0 when no answer came. */
  readonly status: number
  readonly error: string
  /** Who answered (header x-instance); '' when nobody did. */
  readonly instance: string
  /** Kong's id of the request; '' when no answer came. */
  readonly requestId: string
}

export interface Traffic {
  /** Results so far, in the order they came. */
  readonly shots: readonly Shot[]
  /** Now, on the clock of the shots: ms since the traffic began. */
  nowMs(): number
  /** Stops sending, waits for what is under way and returns every result. */
  stop(): Promise<readonly Shot[]>
}

interface Load {
  readonly url: string
  readonly headers?: (n: number) => Record<string, string>
  readonly perSecond: number
  /** How long a client waits for the answer, ms. */
  readonly timeoutMs?: number
  /** For https: what its certificate is checked by, and the name that it has to have. */
  readonly tls?: { readonly ca: string; readonly servername: string } | undefined
}

/** Open-loop traffic: requests leave on schedule whatever became of the ones before, as real clients' do. */
export function startTraffic({
  url,
  headers = () => ({}),
  perSecond,
  timeoutMs = 10_000,
  tls,
}: Load): Traffic {
  const { request, Agent } = tls === undefined ? http : https
  const agent = new Agent({ keepAlive: true, maxSockets: 256, ...tls })
  const startedAt = performance.now()
  const now = () => performance.now() - startedAt
  const shots: Shot[] = []
  const underWay = new Set<Promise<void>>()
  let sent = 0

  const send = (n: number) => {
    const sentMs = now()
    const done = new Promise<void>((resolve) => {
      const finish = (status: number, error: string, headers: http.IncomingHttpHeaders = {}) => {
        const [instance, requestId] = ['x-instance', 'x-kong-request-id'].map((name) =>
          String(headers[name] ?? ''),
        )
        shots.push({ sentMs, doneMs: now(), status, error, instance: instance!, requestId: requestId! })
        resolve()
      }
      const options = { agent: agent as https.Agent, headers: headers(n), timeout: timeoutMs }
      const call = request(url, options, (answer) => {
        answer.resume()
        answer.on('error', (error) => finish(0, error.message))
        answer.on('end', () => finish(answer.statusCode ?? 0, '', answer.headers))
      })
      call.on('timeout', () => call.destroy(new Error(`no answer within ${timeoutMs} ms`)))
      call.on('error', (error) => finish(0, error.message))
      call.end()
    })
    underWay.add(done)
    void done.then(() => underWay.delete(done))
  }
  const timer = setInterval(() => {
    const due = Math.floor((now() / 1000) * perSecond)
    while (sent < due) send(sent++)
  }, 2)
  // A test that fails does not come to stop it: its file would end by the runner's limit, five minutes later.
  timer.unref()

  return {
    shots,
    nowMs: now,
    async stop() {
      clearInterval(timer)
      await Promise.all(underWay)
      agent.destroy()
      return shots
    },
  }
}

/** The failed ones, in words, for an assertion message. */
export function describeFailures(shots: readonly Shot[]): string[] {
  return shots
    .filter((shot) => shot.status !== 200)
    .map(
      (shot) =>
        `at ${shot.sentMs.toFixed(0)} ms: ${shot.status || shot.error}${shot.instance && ` of ${shot.instance}`} after ${(shot.doneMs - shot.sentMs).toFixed(0)} ms`,
    )
}

/** A fresh W3C traceparent, as the tracing plugin sets it; the random strategy hashes it. */
export function traceparent(n: number): string {
  const hex = (value: number, digits: number) => value.toString(16).padStart(digits, '0')
  const mixed = Math.imul(n + 1, 2654435761) >>> 0
  return `00-${hex(mixed, 8)}${hex(n + 1, 24)}-${hex(n + 1, 16)}-01`
}
