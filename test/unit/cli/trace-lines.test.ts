// Traces at the widths that terminals have.
import { deepEqual, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { traceLines } from '../../../operator/cli/trace-lines.ts'
import { waterfall } from '../../../operator/cli/waterfall.ts'
import { decodeJson } from '../../../operator/traces/otlp/decode-json.ts'
import { summarize } from '../../../operator/traces/summarize.ts'
import { TraceStore } from '../../../operator/traces/trace-store.ts'
import { viewTrace } from '../../../operator/traces/trace-view.ts'
import { jsonRequest, traceId } from '../../support/otlp-spans.ts'
import { meshTrace } from '../../support/trace-load.ts'

const plain = (text: string) => text
const paint = { dim: plain, red: plain, cyan: plain }
const store = new TraceStore()
store.add(decodeJson(jsonRequest(meshTrace(97, true))).spans, Date.now())
const trace = store.get(traceId(97))!

for (const width of [80, 100, 120, 200]) {
  test(`a list of traces fits ${width} columns, ids whole`, () => {
    const [titles, row] = traceLines([summarize(trace)], { width, paint })
    ok(titles!.length <= width && row!.length <= width, `${titles}\n${row}`)
    ok(row!.includes(traceId(97)))
    ok(/ERRORS +OPERATION/.test(titles!))
  })

  test(`a waterfall fits ${width} columns, names readable`, () => {
    const lines = waterfall(viewTrace(trace), { width, paint }).slice(2, -2)
    const tooLong = lines.filter((line) => line.length > width)
    deepEqual(tooLong, [])
    ok(
      lines.some((line) => line.startsWith('kong GET')),
      lines.join('\n'),
    )
    ok(lines.every((line) => line.indexOf('ms') > 0 || line.startsWith('SPAN') || line === ''))
  })
}

test('where there is room the time is whole, else to the second, with the date where days differ', () => {
  const summary = summarize(trace)
  const yesterday = { ...summary, start_time: '2020-01-02T03:04:05.678Z' }
  const first = (width: number, ...traces: (typeof summary)[]) => traceLines(traces, { width, paint })[1]!
  const { start_time: time } = summary
  ok(first(140, summary).startsWith(`${time}  `))
  ok(first(80, summary).startsWith(`${time.slice(11, 19)}  `))
  ok(first(80, yesterday, summary).startsWith('01-02 03:04:05  '))
})

test('the operation of a request through the gateway is whole on 80 columns', () => {
  const short = { ...summarize(trace), root_operation: 'GET web.mesh' }
  ok(traceLines([short], { width: 80, paint })[1]!.endsWith('kong GET web.mesh'))
})
