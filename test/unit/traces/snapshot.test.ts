import { deepEqual, equal, ok } from 'node:assert/strict'
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { gunzipSync, gzipSync } from 'node:zlib'
import { type Logger, silentLogger } from '../../../operator/telemetry/logger.ts'
import { joined } from '../../../operator/traces/hand-on.ts'
import { decodeJson } from '../../../operator/traces/otlp/decode-json.ts'
import { decodeProtobuf } from '../../../operator/traces/otlp/decode-protobuf.ts'
import { SnapshotFile } from '../../../operator/traces/snapshot-file.ts'
import { TraceStore } from '../../../operator/traces/trace-store.ts'
import { viewTrace } from '../../../operator/traces/trace-view.ts'
import { requestBytes } from '../../support/otlp-protobuf.ts'
import { jsonRequest } from '../../support/otlp-spans.ts'
import { meshTrace } from '../../support/trace-load.ts'
import { waitFor } from '../../support/wait-for.ts'

async function inFolder(use: (file: string, folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'kongsul-test-'))
  try {
    await use(join(folder, 'deep', 'traces.gz'), folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function filled(count: number): TraceStore {
  const store = new TraceStore()
  for (let i = 1; i <= count; i++) store.add(decodeJson(jsonRequest(meshTrace(i))).spans, 1_000 + i)
  const odd = decodeJson(jsonRequest([{ trace: 9_999, id: 1 }])).spans[0]!
  store.add(
    [
      {
        ...odd,
        attributes: ['big', 2n ** 60n, 'nan', Number.NaN, 'yes', true],
        events: [{ timeUs: 5, name: 'e', attributes: ['n', -(2n ** 60n)] }],
        links: [{ traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), attributes: [] }],
        statusMessage: 'boom',
        status: 2,
      },
    ],
    99,
  )
  return store
}

const views = (store: TraceStore) =>
  [...store.traces()].map((trace) => ({ ...viewTrace(trace), arrived: trace.arrivedMs }))

test('traces survive a restart as they were, in the order they arrived', () =>
  inFolder(async (file, folder) => {
    const store = filled(120)
    const saved = new SnapshotFile(file, store, silentLogger)
    await saved.start()
    // Started empty: nothing was there, and nothing new since.
    store.add(decodeJson(jsonRequest([{ trace: 5_000, id: 1 }])).spans, 7)
    await saved.stop()
    const again = new TraceStore()
    await new SnapshotFile(file, again, silentLogger).start()
    deepEqual(views(again), views(store))
    deepEqual(readdirSync(join(folder, 'deep')), ['traces.gz'])
  }))

test('it is written every minute, and not where nothing came', (t) =>
  inFolder(async (file) => {
    t.mock.timers.enable({ apis: ['setInterval'] })
    const store = new TraceStore()
    const saved = new SnapshotFile(file, store, silentLogger)
    await saved.start()
    t.mock.timers.tick(60_000)
    await saved.save()
    equal(existsSync(file), false)
    store.add(decodeJson(jsonRequest([{ trace: 1, id: 1 }])).spans, 7)
    t.mock.timers.tick(59_999)
    equal(existsSync(file), false)
    t.mock.timers.tick(1)
    await waitFor(() => existsSync(file), { what: 'the file' })
    const again = new TraceStore()
    await new SnapshotFile(file, again, silentLogger).start()
    equal(again.traceCount, 1)
  }))

function warnings(): { log: Logger; lines: string[] } {
  const lines: string[] = []
  return { lines, log: { ...silentLogger, warn: (message) => void lines.push(message) } }
}

for (const [what, spoil] of [
  ['is cut off', (bytes: Buffer) => bytes.subarray(0, bytes.length / 2)],
  ['is no gzip', () => Buffer.from('hello')],
  ['is empty', () => Buffer.alloc(0)],
  [
    'lacks its end',
    (bytes: Buffer) => gzipSync(gunzipSync(bytes).toString().trim().split('\n').slice(0, -1).join('\n')),
  ],
  [
    'lacks a line',
    (bytes: Buffer) => gzipSync(gunzipSync(bytes).toString().trim().split('\n').toSpliced(3, 1).join('\n')),
  ],
  ['is of another version', () => gzipSync('{"format":"kongsul-traces-99"}\n{"traces":0}\n')],
] as const) {
  test(`a file that ${what} is set aside with a warning, and none of it is used`, () =>
    inFolder(async (file, folder) => {
      const store = filled(10)
      await new SnapshotFile(file, store, silentLogger).stop()
      writeFileSync(file, spoil(readFileSync(file)))
      const { log, lines } = warnings()
      const again = new TraceStore()
      await new SnapshotFile(file, again, log).start()
      deepEqual([again.traceCount, lines], [0, ['the file of traces cannot be read and is set aside']])
      const [left] = readdirSync(join(folder, 'deep'))
      ok(left!.startsWith('traces.gz.broken-'), left)
    }))
}

test('a place that cannot be written is a warning, and no more', () =>
  inFolder(async (_file, folder) => {
    const { log, lines } = warnings()
    writeFileSync(join(folder, 'file'), '')
    await new SnapshotFile(join(folder, 'file', 'traces.gz'), filled(1), log).save()
    deepEqual(lines, ['traces cannot be saved'])
  }))

for (const count of [1, 300]) {
  test(`a disk that is full when ${count} traces are saved is a warning, and the file of before stays`, () =>
    inFolder(async (file, folder) => {
      const { log, lines } = warnings()
      await new SnapshotFile(file, filled(1), log).save()
      const before = readFileSync(file)
      symlinkSync('/dev/full', `${file}.${process.pid}.part`)
      await new SnapshotFile(file, filled(count), log).save()
      deepEqual([lines, readdirSync(join(folder, 'deep'))], [['traces cannot be saved'], ['traces.gz']])
      deepEqual(readFileSync(file), before)
    }))
}

test('bodies that are handed on together are one request for each encoding, with the spans of all', () => {
  const request = (trace: number) =>
    jsonRequest([
      { trace, id: 1 },
      { trace, id: 2, service: 'api' },
    ])
  const json = (trace: number) => Buffer.from(JSON.stringify(request(trace)))
  const snake = Buffer.from(JSON.stringify({ resource_spans: request(3).resourceSpans }))
  const sent = joined([
    { encoding: 'json', bytes: json(1), spans: 2 },
    { encoding: 'protobuf', bytes: requestBytes(request(2)), spans: 2 },
    { encoding: 'json', bytes: snake, spans: 2 },
    { encoding: 'protobuf', bytes: requestBytes(request(4)), spans: 2 },
  ])
  const traces = (spans: readonly { traceId: string }[]) => spans.map(({ traceId }) => Number(traceId))
  deepEqual(
    sent.map(({ contentType, spans }) => [contentType, spans]),
    [
      ['application/x-protobuf', 4],
      ['application/json', 4],
    ],
  )
  deepEqual(traces(decodeProtobuf(sent[0]!.body as Buffer).spans), [2, 2, 4, 4])
  deepEqual(traces(decodeJson(JSON.parse(String(sent[1]!.body))).spans), [1, 1, 3, 3])
  equal(joined([]).length, 0)
})
