import assert from 'node:assert/strict'
import { test } from 'node:test'
import { otlpJson, rejectedSpans } from '../../../plugins/export/otlp-json.ts'
import { spansOf } from '../../../plugins/spans/spans-of.ts'
import { anOutcome } from '../../support/outcomes.ts'

const SOURCE = { resource: { 'service.name': 'kong' }, version: '1.2.3' }

interface Written {
  readonly resourceSpans: readonly {
    readonly resource: unknown
    readonly scopeSpans: readonly {
      readonly scope: unknown
      readonly spans: readonly Record<string, unknown>[]
    }[]
  }[]
}

const written = (changed: Parameters<typeof anOutcome>[0] = {}) =>
  JSON.parse(otlpJson(spansOf(anOutcome(changed)), SOURCE)) as Written
const spans = (changed: Parameters<typeof anOutcome>[0] = {}) =>
  written(changed).resourceSpans[0]!.scopeSpans[0]!.spans

test('spans stand below one resource and one scope', () => {
  const [{ resource, scopeSpans }] = written().resourceSpans as [Written['resourceSpans'][number]]
  assert.deepEqual(resource, { attributes: [{ key: 'service.name', value: { stringValue: 'kong' } }] })
  assert.deepEqual(scopeSpans[0]!.scope, { name: 'kongsul', version: '1.2.3' })
  assert.equal(scopeSpans[0]!.spans.length, 2)
})

test('ids are hex, times are nanoseconds as text, kinds are numbers', () => {
  const [server, client] = spans()
  assert.equal(server!['traceId'], '0af7651916cd43dd8448eb211c80319c')
  assert.equal(server!['startTimeUnixNano'], '1795489271050000000')
  assert.equal(server!['endTimeUnixNano'], '1795489271070000000')
  assert.deepEqual([server!['kind'], client!['kind']], [2, 3])
})

test('flags tell whether the trace is sampled and whether the parent is remote', () => {
  assert.deepEqual(
    spans().map(({ flags }) => flags),
    [0x301, 0x101],
  )
  assert.deepEqual(
    spans({ sampled: false, parentSpanId: null }).map(({ flags }) => flags),
    [0x100, 0x100],
  )
})

test('a root span has no parent', () => {
  assert.ok(!('parentSpanId' in spans({ parentSpanId: null })[0]!))
})

test('an error has status 2, everything else leaves it unset', () => {
  assert.deepEqual(spans()[0]!['status'], {})
  assert.deepEqual(spans({ status: 500 })[0]!['status'], { code: 2 })
})

test('rejected spans are read as a number or as text, and from nothing else', () => {
  const count = (answer: string) => rejectedSpans(answer).count
  assert.equal(count('{"partialSuccess":{"rejectedSpans":"3","errorMessage":"too big"}}'), 3)
  assert.equal(count('{"partialSuccess":{"rejectedSpans":3}}'), 3)
  for (const answer of ['', '{}', '\x0a\x02', 'null', '[]', '{"partialSuccess":null}']) {
    assert.equal(count(answer), 0, answer)
  }
  assert.equal(count('{"partialSuccess":{"rejectedSpans":-1}}'), 0)
})
