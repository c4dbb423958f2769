// How numbers, times, events and addresses read.
import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  ago,
  clock,
  count,
  duration,
  percent,
  rate,
  shownValue,
} from '../../../operator/dashboard/model/format.ts'
import { addEvents, eventLine } from '../../../operator/dashboard/model/mesh-event.ts'
import { reconnectDelay, sseParser } from '../../../operator/dashboard/model/sse.ts'
import { millis, searchFaults, searchOf, searchPath } from '../../../operator/dashboard/model/trace-search.ts'
import {
  hashOf,
  PAGES,
  type Place,
  placeOf,
  to,
  withParams,
} from '../../../operator/dashboard/model/url-state.ts'

const plain = (text: string) => text.replaceAll('\u202f', ' ')

const numbers: readonly (readonly [what: string, shown: string, wanted: string])[] = [
  ['no rate', rate(null), '–'],
  ['a rate of nothing', rate(0), '0'],
  ['a rate that is hardly one', rate(0.001), '<0.01'],
  ['a small rate', rate(0.034), '0.03'],
  ['a rate', rate(7.44), '7.4'],
  ['a large rate', rate(1_250), '1,250'],
  ['hardly any percent', percent(0.004), '<0.01%'],
  ['almost all', percent(99.996), '99.99%'],
  ['all', percent(100), '100%'],
  ['some percent', percent(4.56), '4.6%'],
  ['microseconds', duration(0.42), '420 µs'],
  ['milliseconds', duration(34.6), '35 ms'],
  ['seconds', duration(1_240), '1.24 s'],
  ['minutes', duration(125_000), '2 min 5 s'],
  ['a count that rounds up to the next unit', count(9_999.6), '10.0k'],
  ['a thousand', count(1_000), '1,000'],
  ['millions', count(4_520_000), '4.5M'],
  ['no number at all', duration(Number.NaN), '–'],
]
for (const [what, shown, wanted] of numbers)
  test(`${what} reads ${wanted}`, () => equal(plain(shown), wanted))

test('whatever the number, its text is short', () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1e12, noNaN: true }), (value) => {
      for (const show of [rate, count]) ok(show(value).length <= 8, `${value}: ${show(value)}`)
      ok(percent(Math.min(100, value)).length <= 7)
    }),
  )
})

test('a time that is near is told by how long ago, one to come by how soon', () => {
  equal(plain(ago(1_000, 63_000)), '1 min ago')
  equal(ago('1970-01-01T00:00:01.000Z', 1_400), 'just now')
  equal(plain(ago(100_000, 40_000)), 'in 1 min')
  equal(ago(null, 0), '–')
  equal(clock('nonsense', 0), '–')
})

test('values of settings read on one line', () => {
  deepEqual([null, '', ['a', 'b'], [], { a: 1 }, true].map(shownValue), [
    'not set',
    '""',
    'a, b',
    'none',
    '{"a":1}',
    'true',
  ])
})

test('a place is read from the address as it was written there', () => {
  const place = fc.record({
    page: fc.constantFrom(...PAGES),
    id: fc.string(),
    range: fc.constantFrom('5m' as const, '15m' as const, '1h' as const, '3h' as const),
    params: fc.dictionary(fc.constantFrom('find', 'page', 'focus', 'a b'), fc.string()),
  })
  fc.assert(
    fc.property(place, ({ page, id, range, params }) => {
      const needsId = page === 'service' || page === 'trace'
      const given: Place = {
        page: needsId && id === '' ? 'overview' : page,
        id: needsId ? id : '',
        range,
        params,
      }
      const again = placeOf(hashOf(given))
      const filled = Object.fromEntries(Object.entries(params).filter(([, value]) => value !== ''))
      deepEqual(again, { ...given, params: filled })
    }),
  )
})

test('what is no place is the overview, never an error', () => {
  fc.assert(fc.property(fc.string(), (hash) => ok(PAGES.includes(placeOf(hash).page))))
  equal(placeOf('#/service').page, 'overview')
  equal(placeOf('#/overview?range=9y').range, '15m')
})

test('a parameter that is emptied leaves the address, the range stays on the way to another page', () => {
  const place = placeOf('#/overview?find=web&page=2&range=1h')
  equal(hashOf(withParams(place, { find: '', sort: 'name' })), '#/overview?page=2&sort=name&range=1h')
  equal(to(place, 'service', 'a/b'), '#/service/a%2Fb?range=1h')
})

test('events come out of a stream however it is cut', () => {
  const text =
    ': hello\n\nid: 7\nevent: health\ndata: {"a":\ndata: 1}\n\r\nid: 8\ndata: x\n\n: still here\n\nid: 9\ndata: half'
  const wanted = [
    { id: '7', kind: 'health', data: '{"a":\n1}' },
    { id: '8', kind: 'message', data: 'x' },
  ]
  fc.assert(
    fc.property(fc.array(fc.nat(text.length), { maxLength: 8 }), (cuts) => {
      const parse = sseParser()
      const at = [0, ...cuts.toSorted((left, right) => left - right), text.length]
      deepEqual(
        at.slice(1).flatMap((end, index) => [...parse(text.slice(at[index], end))]),
        wanted,
      )
    }),
  )
})

test('tries to connect come less often, never less than twice a minute or so', () => {
  ok(reconnectDelay(0, 0.5) <= 1_000)
  ok(reconnectDelay(50, 0.999) <= 40_000 && reconnectDelay(50, 0) >= 20_000)
})

test('each kind of event is one line; what is unknown or broken is none', () => {
  const line = (kind: string, data: object) => eventLine('1', kind, JSON.stringify(data), 0)
  equal(
    line('health', { service_name: 'web', instance_id: 'w-1', from: 'healthy', to: 'gone' })?.text,
    'w-1 left',
  )
  equal(
    line('breaker', {
      kind: 'instance',
      instance_id: 'w-1',
      service_name: 'web',
      from: 'closed',
      to: 'half_open',
      reason: '',
    })?.text,
    'w-1 closed → half open',
  )
  equal(line('reconcile', { service: 'web', result: 'failed', error: 'KONG_REJECTED' })?.level, 'bad')
  equal(
    line('override', { what: 'released', field: 'slots', kind: 'upstream', name: 'web.mesh', service: 'web' })
      ?.level,
    'ok',
  )
  equal(line('alert', { what: 'cleared', message: 'm', severity: 'critical', service: '' })?.text, 'over: m')
  equal(line('other', {}), null)
  equal(eventLine('1', 'health', '{"half', 0), null)
})

test('of events the newest are kept, none twice', () => {
  const [a, b, c] = ['1', '2', '3'].map((id) => ({
    id,
    atMs: 0,
    level: 'ok' as const,
    kind: 'health',
    service: null,
    text: id,
  }))
  deepEqual(
    addEvents([b!, a!], [b!, c!], 2).map(({ id }) => id),
    ['3', '2'],
  )
  const same = [a!]
  equal(addEvents(same, [a!], 5), same)
})

test('a search asks for what was typed, and names what is no good', () => {
  const search = searchOf({ service: 'web', min: '1.5s', tag: 'a:b c:d', errors: '1' })
  equal(
    searchPath(search, 5),
    'traces?service=web&min_duration=1500&error_only=true&tag=a%3Ab&tag=c%3Ad&start=5&limit=200',
  )
  deepEqual(Object.keys(searchFaults(searchOf({ min: '2s', max: '1s', tag: 'x' }))), ['max', 'tag'])
  deepEqual(['120ms', '2', '1.5s', '80us', 'soon', ''].map(millis), [120, 2, 1_500, 0.08, null, null])
})
