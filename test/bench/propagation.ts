// What the trace headers of one request cost: reading them and writing those that go on, new span id and all. Beside it
// the least that could be done with a traceparent, by a regular expression and with the same source of ids.
import { createRandomSource } from '../../plugins/propagation/ids.ts'
import type { RandomSource } from '../../plugins/propagation/outgoing.ts'
import { propagate } from '../../plugins/propagation/propagate.ts'
import { PROPAGATION_DEFAULTS } from '../../plugins/propagation/propagation-config.ts'
import type { RequestHeaders } from '../../plugins/propagation/request-headers.ts'
import { type Part, percentile } from './figure.ts'

const CALLS = 100_000
const ROUNDS = 15
const TRACEPARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
const ORDINARY = { host: 'web.mesh', accept: '*/*', 'user-agent': 'bench', 'x-request-id': '7' }

export const propagation: Part = {
  name: 'propagation',
  about: 'reading and writing the trace headers of a request',
  async run() {
    const random = createRandomSource()
    const cost = (headers: RequestHeaders) =>
      nanoseconds(() => propagate({ ...headers }, PROPAGATION_DEFAULTS, random).headers.set['traceparent']!)
    const w3c = { ...ORDINARY, traceparent: TRACEPARENT }
    const baseline = {
      what: 'a regular expression and a template',
      value: nanoseconds(() => leastOf({ ...w3c }, random)),
    }
    return [
      { what: 'traceparent', value: cost(w3c), unit: 'ns', goal: 1_000, baseline, maxRatio: 4 },
      {
        what: 'traceparent and a tracestate of three members',
        value: cost({ ...w3c, tracestate: 'rojo=00f067aa0ba902b7,congo=t61rcWkgMzE,other@vendor=1' }),
        unit: 'ns',
        goal: 2_000,
      },
      { what: 'nothing came in', value: cost(ORDINARY), unit: 'ns', goal: 2_500 },
    ]
  },
}

const FORM = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/

function leastOf(headers: Readonly<Record<string, string>>, random: RandomSource): string {
  const [, traceId, , flags] = FORM.exec(headers['traceparent']!)!
  return `00-${traceId}-${random.spanId()}-${flags}`
}

/** Median over the rounds, each of many calls; the texts are used, so that none is optimised away. */
function nanoseconds(call: () => string): number {
  let chars = 0
  const rounds: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const startedAt = process.hrtime.bigint()
    for (let i = 0; i < CALLS; i++) chars += call().length
    rounds.push(Number(process.hrtime.bigint() - startedAt) / CALLS)
  }
  if (chars === 0) throw new Error('nothing was written')
  return percentile(rounds, 50)
}
