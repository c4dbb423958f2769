import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { planOffline } from '../../../operator/cli/plan-offline.ts'
import { readConfig } from '../../../operator/config/load-config.ts'

const FIXTURES = join(import.meta.dirname, '..', '..', 'fixtures', 'plan')
const fixture = (name: string) => join(FIXTURES, name)
const folder = mkdtempSync(join(tmpdir(), 'kongsul-plan-'))
after(() => rmSync(folder, { recursive: true }))
const { operator } = readConfig({}, {})

const COLLECTIONS = {
  upstream: 'upstreams',
  target: 'targets',
  service: 'services',
  route: 'routes',
} as const

test('an empty Kong gets everything of an exposed service, and nothing of consul', () => {
  const { counts, changes } = planOffline(fixture('consul.yaml'), fixture('kong-empty.json'), operator)
  // One upstream, two targets, one service, and routes by host and by path.
  assert.deepEqual(counts, { create: 6, update: 0, delete: 0 })
  assert.deepEqual([...new Set(changes.map(({ service }) => service))], ['web'])
})

test('settings of the file hold, and an instance with a critical check has weight 0', () => {
  const { changes } = planOffline(fixture('consul.yaml'), fixture('kong-empty.json'), operator)
  const fieldOf = (name: string, field: string) =>
    changes.find((each) => each.name === name)?.fields[field]?.to
  assert.equal(fieldOf('web.mesh', 'algorithm'), 'least-connections')
  assert.equal(fieldOf('10.0.0.2:80', 'weight'), 0)
  assert.ok(Number(fieldOf('10.0.0.1:80', 'weight')) > 0)
})

test('a Kong that holds what the plan created has nothing left to do', () => {
  const { changes } = planOffline(fixture('consul.yaml'), fixture('kong-empty.json'), operator)
  const upstream = changes.find(({ kind }) => kind === 'upstream')!
  const rows: Record<string, object[]> = { upstreams: [], targets: [], services: [], routes: [], plugins: [] }
  for (const { kind, id, name, fields } of changes) {
    const row: Record<string, unknown> = { id, [kind === 'target' ? 'target' : 'name']: name }
    for (const [path, { to }] of Object.entries(fields)) if (path !== 'name') put(row, path.split('.'), to)
    if (kind === 'target') row['upstream'] = { id: upstream.id }
    rows[COLLECTIONS[kind as keyof typeof COLLECTIONS]]!.push(row)
  }
  const file = join(folder, 'kong.json')
  writeFileSync(file, JSON.stringify(rows))
  assert.deepEqual(planOffline(fixture('consul.yaml'), file, operator).changes, [])
})

test('a file of another form is refused with its name and the place', () => {
  const file = join(folder, 'broken.json')
  writeFileSync(file, '{"services": {"web": [{"Node": {}}]}}')
  assert.throws(() => planOffline(file, fixture('kong-empty.json'), operator), {
    message: /broken\.json: services\.web\[0\]/,
  })
})

function put(row: Record<string, unknown>, [key, ...rest]: readonly string[], value: unknown): void {
  if (rest.length === 0) {
    row[key!] = value
    return
  }
  const inner = (row[key!] ?? {}) as Record<string, unknown>
  row[key!] = inner
  put(inner, rest, value)
}
