import { deepEqual, equal } from 'node:assert/strict'
import test from 'node:test'
import {
  acceptancesIn,
  acceptedKey,
  acceptedText,
  type HoldSpan,
  holdsKey,
  holdsText,
  rememberedHolds,
} from '../../../operator/core/hold-memory.ts'

const SINCE = Date.parse('2026-01-01T00:00:00.000Z')
const span = (service: string, over: Partial<HoldSpan> = {}): HoldSpan => ({
  kind: 'removal',
  service,
  sinceMs: SINCE,
  untilMs: SINCE + 300_000,
  ...over,
})
const rowsOf = (texts: Record<string, string | null>) =>
  new Map(
    Object.entries(texts).flatMap(([key, text]) =>
      text === null ? [] : [[key, { text, index: 1 }] as const],
    ),
  )
const remembered = (spans: readonly HoldSpan[], accepted = '{}') =>
  rememberedHolds(rowsOf({ [holdsKey('m')]: holdsText(spans), [acceptedKey('m')]: accepted }), 'm')

test('what is held is read again as it was written', () => {
  const spans = [span('api', { kind: 'critical' }), span('web'), span('web2', { untilMs: SINCE + 5000 })]
  const byService = (list: readonly HoldSpan[]) => [...list].sort((a, b) => (a.service < b.service ? -1 : 1))
  deepEqual(byService(remembered(spans)), spans)
})

test('the text does not depend on the order of the holds, and is none without holds', () => {
  equal(holdsText([span('a'), span('b')]), holdsText([span('b'), span('a')]))
  equal(holdsText([]), null)
})

test('the holds of another mesh are not ours', () => {
  deepEqual(rememberedHolds(rowsOf({ [holdsKey('other')]: holdsText([span('web')]) }), 'm'), [])
})

test('what people let go after it was held is over, of one service or of all', () => {
  const spans = [span('api'), span('web')]
  const overOf = (service: string | null, atMs: number) =>
    remembered(spans, acceptedText([{ service, by: 'me', atMs }]))
      .filter(({ untilMs }) => untilMs === Number.NEGATIVE_INFINITY)
      .map((each) => each.service)
  deepEqual(overOf('web', SINCE + 1), ['web'])
  deepEqual(overOf(null, SINCE + 1), ['api', 'web'])
  deepEqual(overOf(null, SINCE - 1), [])
})

test('only the last acceptances are kept', () => {
  const many = Array.from({ length: 50 }, (_, at) => ({ service: 'web', by: '', atMs: SINCE + at }))
  const read = acceptancesIn(rowsOf({ [acceptedKey('m')]: acceptedText(many) }), 'm')
  deepEqual(read, many.slice(-20))
})

test('a text that somebody else wrote there is no hold', () => {
  for (const text of [
    '',
    'x',
    '[]',
    'null',
    '{"holds":5}',
    '{"holds":[null,{"kind":"removal"}]}',
    '{"holds":[{"kind":"removal","since":"x","until":"y","services":["a"]}]}',
  ]) {
    deepEqual(rememberedHolds(rowsOf({ [holdsKey('m')]: text, [acceptedKey('m')]: text }), 'm'), [])
  }
})
