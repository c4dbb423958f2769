// How many lines of Kong's access log one process takes: parsed and handed on. The lines are recorded ones, with the
// retries, refusals and aborts that they hold. Beside it JSON.parse of the same lines, which is the least there is to do.

import { createSocket } from 'node:dgram'
import { silentLogger } from '../../operator/telemetry/logger.ts'
import { createLineParser } from '../../plugins/outcomes/parse-line.ts'
import { listenUdpFeed } from '../../plugins/outcomes/udp-feed.ts'
import { spansOf } from '../../plugins/spans/spans-of.ts'
import { RECORDED, RECORDED_TOKEN } from '../support/outcomes.ts'
import { type Part, percentile } from './figure.ts'
import { outcomeDelay } from './outcome-delay.ts'

const LINES = Object.values(RECORDED).map(({ line }) => Buffer.from(line))
const PASSES = 400
const ROUNDS = 9

export const outcomes: Part = {
  name: 'outcomes',
  about: 'lines of the access log a second, and how soon the operator has the outcomes',
  async run(log) {
    const parse = createLineParser(RECORDED_TOKEN)
    const sink = reportSink()
    const baseline = {
      what: 'JSON.parse of the same lines',
      value: microseconds((line) => {
        const text = line.toString()
        sink.total += Object.keys(JSON.parse(text.slice(text.indexOf('{'))) as object).length
      }),
    }
    const parsed = microseconds((line) => sink.report(parse(line)))
    const traced = Buffer.from(RECORDED['traced']!.line)
    const spans = microseconds(() => {
      const outcome = parse(traced)
      if (typeof outcome !== 'string') sink.total += spansOf(outcome).length
    })
    const perSecond = (value: number) => Math.round(1e6 / value)
    return [
      {
        what: 'a line parsed and reported',
        value: round(parsed),
        unit: 'us',
        goal: 33,
        baseline,
        maxRatio: 6,
      },
      { what: 'lines parsed and reported', value: perSecond(parsed), unit: '1/s', goal: 30_000 },
      { what: 'a line parsed and made into spans', value: round(spans), unit: 'us' },
      { what: 'lines taken off a socket', value: Math.round(await overUdp()), unit: '1/s', goal: 30_000 },
      ...(await outcomeDelay(log)),
    ]
  },
}

const round = (value: number): number => Math.round(value * 100) / 100

/** Does with an outcome what a circuit does: looks at the verdict of the call and of each try, per service. */
function reportSink() {
  const failures = new Map<string, number>()
  return {
    total: 0,
    report(outcome: ReturnType<ReturnType<typeof createLineParser>>) {
      if (typeof outcome === 'string') throw new Error(`a recorded line is ${outcome}`)
      const key = outcome.serviceId ?? ''
      let failed = failures.get(key) ?? 0
      for (const { status } of outcome.tries) if (typeof status !== 'number' || status >= 500) failed++
      failures.set(key, failed)
      this.total += failed
    },
  }
}

/** Median over the rounds, each of all lines many times. */
function microseconds(use: (line: Buffer) => void): number {
  const rounds: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const startedAt = performance.now()
    for (let pass = 0; pass < PASSES; pass++) for (const line of LINES) use(line)
    rounds.push(((performance.now() - startedAt) * 1_000) / (PASSES * LINES.length))
  }
  return percentile(rounds, 50)
}

/** Sender and receiver in this process, a window of lines under way: the receiver alone would be faster. */
async function overUdp(): Promise<number> {
  const total = 60_000
  const window = 100
  const socket = createSocket('udp4')
  let taken = 0
  let sent = 0
  let finish = () => {}
  const done = new Promise<void>((resolve) => {
    finish = resolve
  })
  const send = (count: number) => {
    for (let i = 0; i < count && sent < total; i++) {
      socket.send(LINES[sent++ % LINES.length]!, feed.port, '127.0.0.1')
    }
  }
  const feed = await listenUdpFeed({
    token: RECORDED_TOKEN,
    port: 0,
    log: silentLogger,
    onOutcome: () => {
      taken++
      if (taken % window === 0) send(window)
      if (taken === total) finish()
    },
  })
  const startedAt = performance.now()
  send(2 * window)
  // A datagram that got lost would be waited for for ever.
  const limit = setTimeout(finish, 30_000)
  await done
  clearTimeout(limit)
  const seconds = (performance.now() - startedAt) / 1_000
  socket.close()
  await feed.close()
  return taken / seconds
}
