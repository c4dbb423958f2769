// The trace collector at its bounds: 10,000 traces of 10 spans, what they cost, how fast they are found again, and a million
// spans more. Beside it the least that could be done with the same bodies. Memory is that of a process of its own.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decodeProtobuf } from '../../operator/traces/otlp/decode-protobuf.ts'
import type { TraceQuery } from '../../operator/traces/search-traces.ts'
import { TraceCollector } from '../../operator/traces/trace-collector.ts'
import { TraceQueries } from '../../operator/traces/trace-queries.ts'
import { checkBooks } from '../support/trace-books.ts'
import { asProtobuf, meshRequests } from '../support/trace-load.ts'
import { type Figure, type Part, percentile } from './figure.ts'

const TRACES = 10_000
const SPANS_EACH = 10
const PER_REQUEST = 50
const MORE_TRACES = 100_000
const ROUNDS = 15

export const traces: Part = {
  name: 'traces',
  about: 'spans taken in, memory, searches and dependencies at 10,000 traces of 10 spans',
  async run(log) {
    const folder = mkdtempSync(join(tmpdir(), 'kongsul-bench-'))
    try {
      const bodies = asProtobuf(meshRequests(1, TRACES, PER_REQUEST))
      for (const [i, body] of bodies.entries()) writeFileSync(join(folder, String(i).padStart(5, '0')), body)
      const args = ['--expose-gc', '--import', 'tsx', import.meta.filename, folder]
      const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
      let text = ''
      child.stdout.on('data', (chunk) => {
        text += chunk
      })
      const [code] = await once(child, 'close')
      if (code !== 0) throw new Error(`the measuring process ended with ${code}`)
      const figures = JSON.parse(text) as readonly Figure[]
      for (const { what, value, unit } of figures) log(`${what}: ${value} ${unit}`)
      return figures
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  },
}

const SEARCHES: readonly (readonly [what: string, query: TraceQuery])[] = [
  ['everything', { limit: 100 }],
  ['a service and errors', { service: 'web', errorOnly: true, limit: 100 }],
  ['an operation and a duration', { operation: 'GET /items', minDurationMs: 50, limit: 100 }],
  ['an attribute that every trace has', { tags: [['http.route', '/orders']], limit: 100 }],
  ['a request id', { tags: [['kong.request.id', '00000007c0ffeec0ffeec0ffeec0ffee']], limit: 100 }],
  ['nothing that there is', { service: 'web', operation: 'nothing', tags: [['a', 'b']], limit: 100 }],
]

/** In a process that has made nothing else: what it holds is the collector's. */
async function measure(folder: string): Promise<readonly Figure[]> {
  const bodies = readdirSync(folder)
    .sort()
    .map((name) => readFileSync(join(folder, name)))
  // Warm: what is measured is how it goes on, not how it begins.
  const warm = new TraceCollector()
  for (const body of bodies.slice(0, 40)) warm.take(body, 'protobuf', Date.now())
  const spans = TRACES * SPANS_EACH
  const decoding = seconds(() => {
    let seen = 0
    for (const body of bodies) seen += decodeProtobuf(body).spans.length
    if (seen !== spans) throw new Error(`${seen} spans`)
  })
  globalThis.gc?.()
  const before = process.memoryUsage().rss
  const collector = new TraceCollector()
  const taking = seconds(() => {
    for (const body of bodies) collector.take(body, 'protobuf', Date.now())
  })
  const grown = (process.memoryUsage().rss - before) / 2 ** 20
  const queries = new TraceQueries(collector.store)
  const searches = SEARCHES.map(([what, query]) => ({
    what: `search: ${what}`,
    value: rounded(median(() => queries.search(query))),
    unit: 'ms',
    goal: 20,
  }))
  const dependencies = median(() => queries.dependencies(null))
  const bottlenecks = median(() => queries.bottlenecks(15 * 60_000, 10))
  // The same spans under other ids: making bodies would take longer than all the rest.
  const again = bodies.slice(0, 20).map((body) => decodeProtobuf(body).spans)
  const more = seconds(() => {
    for (let round = 1; round <= MORE_TRACES / (20 * PER_REQUEST); round++) {
      const prefix = round.toString(16).padStart(8, 'f')
      for (const batch of again) {
        const renamed = batch.map((span) => ({ ...span, traceId: `${prefix}${span.traceId.slice(8)}` }))
        collector.store.add(renamed, Date.now())
      }
    }
  })
  const { store } = collector
  if (store.traceCount !== TRACES) throw new Error(`${store.traceCount} traces in place of ${TRACES}`)
  checkBooks(store)
  globalThis.gc?.()
  return [
    {
      what: 'spans taken in',
      value: Math.round(spans / taking),
      unit: '1/s',
      goal: 30_000,
    },
    {
      what: 'a span taken in',
      value: rounded((taking * 1e6) / spans),
      unit: 'us',
      baseline: { what: 'a span decoded', value: rounded((decoding * 1e6) / spans) },
      maxRatio: 8,
    },
    { what: 'memory grown by 100,000 spans (RSS)', value: Math.round(grown), unit: 'MiB', goal: 150 },
    ...searches,
    { what: 'dependencies', value: rounded(dependencies), unit: 'ms', goal: 1 },
    { what: 'bottlenecks of 1,000 traces', value: rounded(bottlenecks), unit: 'ms' },
    { what: '1,000,000 spans more, stored', value: rounded(more), unit: 's' },
    {
      what: 'memory after them (RSS)',
      value: Math.round((process.memoryUsage().rss - before) / 2 ** 20),
      unit: 'MiB',
    },
  ]
}

function seconds(work: () => void): number {
  const startedAt = performance.now()
  work()
  return (performance.now() - startedAt) / 1_000
}

function median(work: () => unknown): number {
  return percentile(
    Array.from({ length: ROUNDS }, () => seconds(work) * 1_000),
    50,
  )
}

const rounded = (value: number): number => Number(value.toPrecision(3))

if (process.argv[1] === import.meta.filename)
  process.stdout.write(JSON.stringify(await measure(process.argv[2]!)))
