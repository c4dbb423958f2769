// What the page makes of answers: which is worst, what is drawn, what is wrong.
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type {
  Alert,
  Circuit,
  HistorySample,
  ServiceMetrics,
} from '../../../operator/dashboard/model/api-shapes.ts'
import { decisionText } from '../../../operator/dashboard/model/canary-text.ts'
import {
  linePaths,
  nearest,
  roundTop,
  steppedTo,
  timeMarks,
} from '../../../operator/dashboard/model/chart-geometry.ts'
import {
  begun,
  edgePath,
  fitted,
  neighbourOf,
  shortName,
  zoomed,
} from '../../../operator/dashboard/model/graph-geometry.ts'
import { edgeWidth, MOST_NODES, shownGraph } from '../../../operator/dashboard/model/graph-view.ts'
import { mergeHistory, samplesToAsk, seriesOf } from '../../../operator/dashboard/model/history.ts'
import { instanceRows } from '../../../operator/dashboard/model/instance-rows.ts'
import {
  findNames,
  namesOf,
  pageOf,
  serviceRows,
  sortRows,
} from '../../../operator/dashboard/model/service-rows.ts'
import { changedFields, EDITABLE, settingRows } from '../../../operator/dashboard/model/setting-rows.ts'
import { judgeService, LEVELS } from '../../../operator/dashboard/model/severity.ts'
import { spanRows, ticks } from '../../../operator/dashboard/model/waterfall.ts'
import { meshVerdict, wrongNow } from '../../../operator/dashboard/model/wrong-now.ts'
import { meshAnswers, nameOf, statusOf, statusWith, traceOf } from '../../support/dashboard-data.ts'

const { dashboard } = meshAnswers({ services: 4, nowMs: 1_000_000 })
const one = dashboard.services[nameOf(1)]!
const service = (over: Partial<ServiceMetrics>): ServiceMetrics => ({ ...one, ...over })

const judged: readonly (readonly [what: string, over: Partial<ServiceMetrics>, level: string])[] = [
  ['whose requests succeed is healthy', {}, 'ok'],
  ['that nobody calls is idle', { request_rate: 0 }, 'idle'],
  ['without instances is unknown', { instance_count: 0, healthy_count: 0 }, 'unknown'],
  ['with no healthy instance is failing', { healthy_count: 0 }, 'bad'],
  ['with few healthy instances is failing', { instance_count: 4, healthy_count: 1 }, 'bad'],
  ['with one instance out is degraded', { instance_count: 4, healthy_count: 3 }, 'warn'],
  ['with an open circuit is degraded', { circuit_breakers_open: 1 }, 'warn'],
  ['with many errors is failing', { error_rate: 12 }, 'bad'],
  ['with old errors and no requests is idle', { error_rate: 12, request_rate: 0 }, 'idle'],
]
for (const [what, over, level] of judged) {
  test(`a service ${what}`, () => equal(judgeService(service(over)).level, level))
}

test('services are sorted the worst first, and equals by name, so that rows do not jump', () => {
  const many = meshAnswers({ services: 60, failingEvery: 7 }).dashboard.services
  const rows = sortRows(serviceRows(many).values(), 'worst')
  const ranks = rows.map(({ verdict }) => LEVELS.indexOf(verdict.level))
  deepEqual(
    ranks,
    ranks.toSorted((left, right) => left - right),
  )
  deepEqual(sortRows([...serviceRows(many).values()].reverse(), 'worst'), rows)
})

test('a row whose numbers are the same stays the same object', () => {
  const before = serviceRows(dashboard.services)
  const after = serviceRows(
    structuredClone({ ...dashboard.services, [nameOf(0)]: service({ request_rate: 1 }) }),
    before,
  )
  equal(after.get(nameOf(2)), before.get(nameOf(2)))
  ok(after.get(nameOf(0)) !== before.get(nameOf(0)))
})

test('names are found by parts, what begins so first; a page that is not there is the last', () => {
  deepEqual(findNames(['x-web', 'web-api', 'web', 'other'], 'web', 2), ['web', 'web-api'])
  deepEqual(findNames(['a'], ' ', 5), [])
  deepEqual(pageOf([1, 2, 3], 9, 2), { shown: [3], page: 2, pages: 2 })
  equal(pageOf([], Number.NaN, 2).page, 1)
})

test('a large graph is drawn around one service, never more than can be seen', () => {
  const graph = meshAnswers({ services: 1_000, failingEvery: 40 }).dashboard.service_graph
  const shown = shownGraph(graph, { focus: null, depth: 1 })
  ok(shown.focus !== null && shown.nodes.length < 10)
  equal(shown.nodes.find(({ id }) => id === shown.focus)?.level, 'bad', 'the worst')
  fc.assert(
    fc.property(fc.nat(999), fc.integer({ min: 1, max: 4 }), (index, depth) => {
      const { nodes, edges, hidden } = shownGraph(graph, { focus: nameOf(index), depth })
      const ids = new Set(nodes.map(({ id }) => id))
      ok(nodes.length <= MOST_NODES && ids.has(nameOf(index)))
      ok(edges.every(({ source, target }) => ids.has(source) && ids.has(target)))
      equal(hidden, 1_000 - nodes.length)
    }),
    { numRuns: 40 },
  )
})

test('the key of a graph is the same when only numbers differ, so that nodes stay where they are', () => {
  const [left, right] = [0, 5].map((turn) => meshAnswers({ services: 30, turn }).dashboard.service_graph)
  const whole = { focus: null, depth: 1 }
  equal(shownGraph(left!, whole).key, shownGraph(right!, whole).key)
  ok(shownGraph(left!, { focus: nameOf(0), depth: 1 }).key !== shownGraph(left!, whole).key)
})

test('alerts and problems are one list: each once, critical first, silenced last, with the reason of open circuits', () => {
  const alert = (over: Partial<Alert>): Alert => ({
    id: 'a',
    name: 'MeshCircuitOpen',
    severity: 'warning',
    state: 'firing',
    service_name: 'api',
    message: 'api: 1 circuit is open',
    value: 1,
    threshold: 0,
    since: '2026-01-01T00:00:00.000Z',
    silenced_by: [],
    runbook: '',
    ...over,
  })
  const circuit = {
    kind: 'instance',
    service: 'api',
    address: null,
    instance_id: 'api-3',
    state: 'ejected',
    reason: '5 failures in a row',
  }
  const status = {
    ...statusOf(0),
    kong: { ...statusOf(0).kong, connected: false, error: 'ECONNREFUSED' },
    problems: [
      { code: 'HOST_TAKEN', severity: 'warning' as const, service: 'web', message: 'taken' },
      { code: 'NOTE', severity: 'info' as const, service: 'web', message: 'only so' },
    ],
  }
  const troubles = wrongNow(
    [
      alert({ id: 'silent', severity: 'critical', silenced_by: ['s'] }),
      alert({}),
      alert({ id: 'over', state: 'resolved' }),
    ],
    status,
    [circuit as Circuit],
  )
  deepEqual(
    troubles.map(({ name }) => name),
    ['MeshKongUnreachable', 'MeshCircuitOpen', 'HOST_TAKEN', 'MeshCircuitOpen'],
  )
  equal(troubles[1]?.message, '1 circuit is open')
  deepEqual(troubles[1]?.why, ['api-3 ejected: 5 failures in a row'])
  const [linked] = wrongNow([alert({ runbook: 'https://wiki/MeshCircuitOpen.md' })], null)
  deepEqual([troubles[1]?.runbook, linked?.runbook], [null, 'https://wiki/MeshCircuitOpen.md'])
  match(meshVerdict(dashboard, troubles).sentence, /^Kong cannot be reached: ECONNREFUSED, and 2 more$/)
})

test('a mesh without services is not called healthy, one without requests idle', () => {
  const empty = meshAnswers({ services: 0 }).dashboard
  equal(meshVerdict(empty, []).level, 'unknown')
  const quiet = { ...dashboard, mesh_metrics: { ...dashboard.mesh_metrics, request_rate: 0 } }
  equal(meshVerdict(quiet, []).level, 'idle')
  equal(meshVerdict(dashboard, []).level, 'ok')
})

const sample = (second: number): HistorySample => ({
  ...dashboard.metrics_history[0]!,
  timestamp: new Date(second * 1_000).toISOString(),
})

test('history is put together without doubles, and forgets what is too old', () => {
  const merged = mergeHistory([sample(10), sample(20)], [sample(20), sample(30)], 15_000)
  deepEqual(
    merged.map(({ timestamp }) => Date.parse(timestamp) / 1_000),
    [20, 30],
  )
  const same = [sample(10)]
  equal(mergeHistory(same, [sample(10)], 60_000), same)
  ok(samplesToAsk([], 900_000, 0) > 90)
  equal(
    samplesToAsk(
      Array.from({ length: 91 }, (_, index) => sample(index * 10)),
      900_000,
      905_000,
    ),
    3,
  )
})

test('a hole in the samples is a hole in the line', () => {
  const series = seriesOf([sample(0), sample(10), sample(100)], () => 1, 0)
  deepEqual(series.values, [1, 1, null, 1])
  const { line, area } = linePaths(series, { width: 100, height: 10, fromMs: 0, toMs: 100_000, top: 2 })
  equal(line, 'M0 5L10 5M100 5h1')
  equal(area.split('M').length, 3)
  equal(nearest(series, 96), 3)
  equal(nearest({ times: [], values: [] }, 1), null)
})

test('axes end at round numbers that nothing goes over, marks are at whole minutes', () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0, max: 1e9, noNaN: true })), (values) => {
      const top = roundTop(values, 1)
      ok(values.every((value) => value <= top))
      ok(/^[1245]0*$/.test(String(top)) || top >= 1e9)
    }),
  )
  const marks = timeMarks({ width: 300, height: 10, fromMs: 30_000, toMs: 930_000, top: 1 }, 0)
  ok(marks.length > 1 && marks.every((mark) => mark % 300_000 === 0))
})

test('a picture fits its box, begins where names can be read, and zooms around a point that stays', () => {
  deepEqual(fitted(100, 100, 400, 200), { x: 135, y: 35, scale: 1.3 })
  const near = begun([4_000, 400], [800, 400], [2_000, 200])
  ok(near.scale > 0.5)
  equal(Math.round(2_000 * near.scale + near.x), 400, 'the place is in the middle')
  const view = zoomed({ x: 10, y: 20, scale: 1 }, 2, [50, 60])
  deepEqual([(50 - view.x) / view.scale, (60 - view.y) / view.scale], [40, 40])
  ok(edgeWidth(1e9) <= 6 && edgeWidth(0) === 1)
})

test('arrow keys go to the nearest node that way; lines go forth, back and around', () => {
  const places = { a: [0, 0], b: [100, 5], c: [100, 90], d: [-50, 0] } as const
  equal(neighbourOf(places, 'a', 'ArrowRight'), 'b')
  equal(neighbourOf(places, 'b', 'ArrowDown'), 'c')
  equal(neighbourOf(places, 'd', 'ArrowLeft'), null)
  for (const to of [
    [300, 0],
    [-300, 0],
  ] as const)
    match(edgePath([0, 0], to).path, /^M[\d. -]+C[\d. -]+$/)
  match(
    edgePath(
      [0, 0],
      [900, 0],
      [
        [300, 50],
        [500, 50],
      ],
    ).path,
    /^M(?:[\d. -]+C){3}[\d. -]+$/,
  )
  const down = edgePath([0, 0], [0, 200], [], 'TB')
  equal(down.path, 'M0 26C0 97.5 0 97.5 0 169', 'from below the caller to above the callee')
  deepEqual(down.middle, [0, 97.5])
  equal(shortName('abcdefghij', 5), 'ab…ij')
  equal(shortName('abc', 5), 'abc')
})

test('instances are put together of three answers, the worst first', () => {
  const name = nameOf(1)
  const report = statusWith(name, service({ healthy_count: 1, instance_count: 2 }), 0).services[0]!
  const circuit = {
    kind: 'instance',
    service: name,
    instance_id: `${name}-1`,
    target: null,
    state: 'ejected',
    reason: '5 in a row',
    until: '2026-01-01T00:00:00Z',
  }
  const rows = instanceRows(report, null, [circuit as Circuit])
  deepEqual(
    rows.map(({ id, circuit: state }) => [id, state]),
    [
      [`${name}-1`, 'ejected'],
      [`${name}-2`, 'not told'],
    ],
  )
  equal(rows[0]?.why, '2 of 2 checks passing; 5 in a row')
})

test('a folded span hides what is below it, and bars stay within the picture', () => {
  const trace = traceOf(0)
  equal(spanRows(trace, new Set()).length, 3)
  const [first] = spanRows(trace, new Set(['01']))
  deepEqual([first?.below, spanRows(trace, new Set(['01'])).length], [2, 1])
  for (const { left, width } of spanRows(trace, new Set()))
    ok(left >= 0 && left + width <= 100.0001 && width > 0)
  deepEqual(ticks(120, 5), [0, 50, 100])
  deepEqual(ticks(0, 5), [0])
})

test('only what was changed of a form is sent, emptied values as null, and what is no number as it is', () => {
  const { fields } = EDITABLE[1]!
  const before = (path: string) =>
    ({ 'circuitBreaker.mode': 'auto', 'circuitBreaker.consecutiveFailures': 5 })[path] ?? null
  deepEqual(
    changedFields(fields, before, {
      mode: 'auto',
      failure_threshold: '6',
      minimum_calls: 'x',
      failure_rate: '',
    }),
    {
      failure_threshold: 6,
      minimum_calls: 'x',
    },
  )
})

test('keys go through the samples of a chart and never beyond its ends', () => {
  const steps = [
    ['ArrowLeft', null, 8],
    ['ArrowLeft', 0, 0],
    ['ArrowRight', 3, 4],
    ['PageDown', 4, 0],
    ['PageUp', 4, 9],
    ['Home', 7, 0],
    ['End', 7, 9],
    ['Escape', 7, null],
    ['a', 7, undefined],
  ] as const
  for (const [key, at, wanted] of steps) equal(steppedTo(key, at, 10), wanted, `${key} from ${at}`)
})

test('where no number changed, rows and names are the very same, so that nothing is drawn anew', () => {
  const [first, again, other] = [0, 0, 1].map(
    (turn) => meshAnswers({ services: 20, turn }).dashboard.services,
  )
  const rows = serviceRows(first!)
  equal(serviceRows(again!, rows), rows)
  ok(serviceRows(other!, rows) !== rows)
  const { [nameOf(3)]: _gone, ...fewer } = first!
  equal(serviceRows(fewer, rows).size, 19)
  const names = namesOf(first!)
  equal(namesOf(other!, names), names)
  deepEqual(
    namesOf(fewer, names),
    names.filter((name) => name !== nameOf(3)),
  )
})

test('settings that somebody set come first, with where, for a service and for the whole mesh', () => {
  const configuration = {
    defaults: { a: 1, c: 3 },
    defaults_sources: { a: 'built-in', c: 'mesh/defaults' },
    refused: [],
    services: { web: { a: { value: 1, source: 'built-in' }, b: { value: 2, source: 'meta' } } },
  }
  const rows = (service: string | null) =>
    settingRows(configuration, service).map(({ path, source, isSet }) => [path, source, isSet])
  deepEqual(rows('web'), [
    ['b', 'meta', true],
    ['a', 'built-in', false],
  ])
  deepEqual(rows(null), [
    ['c', 'mesh/defaults', true],
    ['a', 'built-in', false],
  ])
})

test('what was decided of a canary is told without the state that is said beside it', () => {
  const texts = [
    ['promoted', 'promoted: 0 % of 20 requests failed'],
    ['rolled_back', 'rolled back: 9 % of 20 requests failed, 1 % may'],
    ['paused', 'paused: by hand'],
    ['aborted', 'aborted'],
    ['running', 'good so far'],
  ].map(([state = '', decision = '']) => decisionText({ state, decision }))
  deepEqual(texts, [
    '0 % of 20 requests failed',
    '9 % of 20 requests failed, 1 % may',
    'by hand',
    '',
    'good so far',
  ])
})
