// The files of Prometheus and Grafana: parsed by promtool, and true to the code that makes the metrics.
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { parse } from 'yaml'
import { nodeMetrics } from '../../../kong/gateway/node-metrics.ts'
import { DASHBOARDS } from '../../../kong/grafana/dashboards.ts'
import { metricsText } from '../../../operator/setup/documented-metrics.ts'
import { promtool } from '../../support/prometheus.ts'
import { dashboardExpressions, metricNames, rulesOfTheMesh } from '../../support/promql.ts'

const root = join(import.meta.dirname, '..', '..', '..')
const read = (path: string) => readFileSync(join(root, path), 'utf8')
const folder = join(root, 'kong', 'grafana', 'dashboards')

test('the rules are valid, and every one of their unit tests passes', async () => {
  match(await promtool('check', 'rules', 'mesh.rules.yml'), /SUCCESS/)
  match(await promtool('test', 'rules', 'mesh.rules.test.yml'), /SUCCESS/)
})

test('every alert has a unit test in which it fires, and a page in the runbook', () => {
  const { tests } = parse(read('kong/prometheus/mesh.rules.test.yml')) as {
    tests: { alert_rule_test?: { alertname: string; exp_alerts?: object[] }[] }[]
  }
  const fired = new Set(
    tests
      .flatMap(({ alert_rule_test: each = [] }) => each)
      .filter(({ exp_alerts = [] }) => exp_alerts.length > 0)
      .map(({ alertname }) => alertname),
  )
  for (const { alert, labels, annotations } of rulesOfTheMesh()) {
    if (alert === undefined) continue
    ok(fired.has(alert), `${alert} never fires in a unit test`)
    match(alert, /^Mesh[A-Z][A-Za-z]+$/)
    match(labels?.['severity'] ?? '', /^(warning|critical)$/)
    equal(annotations?.['runbook_url'], `docs/runbook/${alert}.md`)
    ok(annotations?.['summary'] && annotations['description'], alert)
    ok(existsSync(join(root, annotations['runbook_url'])), alert)
  }
})

test('recorded series are named mesh:<what>:<aggregation>', () => {
  for (const { record } of rulesOfTheMesh()) if (record !== undefined) match(record, /^mesh:\w+:\w+$/)
})

test('the dashboards are what the code makes, and nothing else is there', () => {
  deepEqual(readdirSync(folder).sort(), [...DASHBOARDS.keys()].sort())
  for (const [name, text] of DASHBOARDS)
    equal(readFileSync(join(folder, name), 'utf8'), text, `npm run generate: ${name}`)
})

test('docs/metrics.md is what the code makes', () =>
  equal(read('docs/metrics.md'), metricsText(), 'npm run generate'))

test('promtool parses every expression of every dashboard', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'kongsul-promql-'))
  try {
    const expressions = [...dashboardExpressions().values()].flat()
    ok(expressions.length > 50)
    const rules = expressions.map((expr, at) => ({ record: `r${at}`, expr }))
    const path = join(dir, 'rules.yml')
    writeFileSync(path, JSON.stringify({ groups: [{ name: 'dashboards', rules }] }))
    match(await promtool('check', 'rules', path), new RegExp(`SUCCESS: ${rules.length} rules`))
  } finally {
    rmSync(dir, { recursive: true })
  }
})

test('rules and dashboards name only metrics that the code has', () => {
  const documented = [...read('docs/metrics.md').matchAll(/^\| `(\w+)` \| (\w+) /gm)].flatMap(
    ([, name, kind]) =>
      kind === 'histogram' ? ['_bucket', '_sum', '_count'].map((end) => `${name}${end}`) : [name!],
  )
  const ofKong = [...nodeMetrics({ nodeId: 'n', version: 'v', requests: 0 }).matchAll(/^# TYPE (\w+)/gm)].map(
    ([, name]) => name!,
  )
  const recorded = rulesOfTheMesh().flatMap(({ record }) => record ?? [])
  const usual = ['up', 'ALERTS', 'process_resident_memory_bytes', 'process_cpu_seconds_total']
  const known = new Set([...documented, ...ofKong, ...recorded, ...usual])
  const used = [...rulesOfTheMesh().map(({ expr }) => expr), ...[...dashboardExpressions().values()].flat()]
  const unknown = used.flatMap(metricNames).filter((name) => !known.has(name))
  deepEqual([...new Set(unknown)], [])
})

test('dashboards have what a provisioned file needs', () => {
  const sources = parse(read('kong/grafana/provisioning/datasources/mesh.yml')) as {
    datasources: { uid: string }[]
  }
  const uids = new Set(['$datasource', ...sources.datasources.map(({ uid }) => uid)])
  for (const [name, text] of DASHBOARDS) {
    const dashboard = JSON.parse(text)
    ok(!('__inputs' in dashboard), name)
    ok(dashboard.schemaVersion >= 39)
    equal(`${dashboard.uid}.json`, name)
    ok(dashboard.templating.list.some(({ type }: { type: string }) => type === 'datasource'))
    const ids = dashboard.panels.map(({ id }: { id: number }) => id)
    equal(new Set(ids).size, ids.length)
    for (const panel of dashboard.panels) {
      if (panel.type === 'row') continue
      ok(uids.has(panel.datasource.uid), `${name}: ${panel.datasource.uid}`)
      ok(panel.description, `${name}: ${panel.title}`)
      if (panel.datasource.type === 'prometheus') ok(panel.fieldConfig.defaults.unit)
      for (const { expr = '' } of panel.targets) ok(!/\brate\([^)]*\[\d/.test(expr), `${name}: ${expr}`)
    }
  }
  ok([...DASHBOARDS.values()].some((text) => text.includes('/explore?')))
})

interface Placed {
  readonly id: number
  readonly title: string
  readonly type: string
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
}
interface Written {
  readonly uid: string
  readonly title: string
  readonly panels: readonly Placed[]
  readonly templating: { readonly list: readonly { readonly name: string; readonly type: string }[] }
}
const written = [...DASHBOARDS].map(([name, text]) => [name, text, JSON.parse(text) as Written] as const)

test('panels lie within the 24 columns of Grafana’s grid, and none over another', () => {
  for (const [name, , { panels }] of written) {
    const cells = new Map<string, string>()
    for (const { title, gridPos } of panels) {
      const { x, y, w, h } = gridPos
      ok([x, y].every((at) => Number.isInteger(at) && at >= 0) && w > 0 && h > 0, `${name}: ${title}`)
      ok(x + w <= 24, `${name}: ${title} ends at column ${x + w}`)
      for (let column = x; column < x + w; column++) {
        for (let row = y; row < y + h; row++) {
          const cell = `${column} ${row}`
          ok(!cells.has(cell), `${name}: ${title} lies over ${cells.get(cell)}`)
          cells.set(cell, title)
        }
      }
    }
  }
})

test('dashboards have uids and titles of their own, and panels are of kinds that come with Grafana', () => {
  equal(new Set(written.map(([, , { uid }]) => uid)).size, written.length)
  equal(new Set(written.map(([, , { title }]) => title)).size, written.length)
  const kinds = new Set('row stat timeseries table gauge bargauge heatmap state-timeline text'.split(' '))
  for (const [name, , { uid, panels }] of written) {
    ok(uid.length <= 40, uid)
    for (const { type, title } of panels) ok(kinds.has(type), `${name}: ${title} is a ${type}`)
  }
})

test('every variable that a dashboard uses it has, and the other way round', () => {
  const builtIn = /^(__\w+|datasource)$/
  for (const [name, text, { templating }] of written) {
    const has = new Set(templating.list.map((each) => each.name))
    const used = new Set([...text.matchAll(/\$\{?(\w+)/g)].map(([, variable]) => variable!))
    deepEqual(
      [...used].filter((variable) => !builtIn.test(variable) && !has.has(variable)),
      [],
      name,
    )
    deepEqual(
      [...has].filter((variable) => !used.has(variable)),
      [],
      name,
    )
  }
})

test('links between dashboards lead to dashboards that there are', () => {
  const uids = new Set(written.map(([, , { uid }]) => uid))
  const linked = written.flatMap(([name, text]) =>
    [...text.matchAll(/"url": "\/d\/([\w-]+)/g)].map(([, uid]) => [name, uid!] as const),
  )
  ok(linked.length > 0)
  for (const [name, uid] of linked) ok(uids.has(uid), `${name} leads to ${uid}`)
})

test('the scrape configuration is valid, and has operator, plugins, Kong and Consul', async () => {
  const text = read('kong/prometheus/prometheus.yml')
  const { scrape_configs: jobs } = parse(text) as { scrape_configs: { job_name: string }[] }
  deepEqual(
    jobs.map(({ job_name }) => job_name),
    ['kongsul-operator', 'kongsul-plugins', 'kong', 'consul'],
  )
  const dir = mkdtempSync(join(tmpdir(), 'kongsul-scrape-'))
  try {
    writeFileSync(join(dir, 'mesh.rules.yml'), read('kong/prometheus/mesh.rules.yml'))
    writeFileSync(join(dir, 'prometheus.yml'), text.replace('/etc/prometheus/', ''))
    match(await promtool('check', 'config', join(dir, 'prometheus.yml')), /SUCCESS/)
  } finally {
    rmSync(dir, { recursive: true })
  }
})
