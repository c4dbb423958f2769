import assert from 'node:assert/strict'
import { test } from 'node:test'
import pc from 'picocolors'
import { planExitCode, planLines } from '../../../operator/cli/plan-report.ts'
import type { Change, Diff } from '../../../operator/core/diff.ts'
import type { Entity, Json } from '../../../operator/core/entity.ts'
import { type PlannedFrom, planReport } from '../../../operator/core/plan-report.ts'

const io = { paint: pc.createColors(false), width: () => Number.POSITIVE_INFINITY }
const upstream = (fields: Record<string, Json>): Entity => ({
  kind: 'upstream',
  id: 'u1',
  name: 'web.mesh',
  owner: 'web',
  parent: '',
  fields,
  tags: [],
})
const update: Change = {
  action: 'update',
  entity: upstream({ algorithm: 'least-connections' }),
  before: upstream({ algorithm: 'round-robin' }),
  fields: ['algorithm', 'tags'],
  service: 'web',
}
const diffOf = (given: Partial<Diff>): Diff => ({ changes: [], overrides: [], conflicts: [], ...given })
const report = (given: Partial<Diff>, more: Partial<PlannedFrom> = {}) =>
  planReport({ mesh: 'default', problems: [], diff: diffOf(given), holds: [], isHeld: () => false, ...more })

test('no change means exit code 0 and says that there is nothing to do', () => {
  const nothing = report({})
  assert.equal(planExitCode(nothing), 0)
  assert.deepEqual(planLines(nothing, io), ['Nothing to do: Kong is as Consul says.'])
})

test('a change means exit code 2 and a row that names the old and the new value', () => {
  const one = report({ changes: [update] })
  assert.equal(planExitCode(one), 2)
  assert.match(
    planLines(one, io)[1]!,
    /^~ update +upstream +web\.mesh +web +algorithm: round-robin -> least-connections$/,
  )
})

test('JSON has the value before and after of every field, tags too', () => {
  assert.deepEqual(report({ changes: [update] }).changes[0]!.fields, {
    algorithm: { from: 'round-robin', to: 'least-connections' },
    tags: { from: [], to: [] },
  })
})

test('a creation shows the values it sets, a deletion none', () => {
  const create: Change = { ...update, action: 'create', before: null, fields: ['algorithm'] }
  const remove: Change = { ...update, action: 'delete', fields: [] }
  const lines = planLines(report({ changes: [create, remove] }), io)
  assert.ok(lines.some((line) => /^\+ create .*algorithm=least-connections$/.test(line)))
  assert.ok(lines.some((line) => /^- delete +upstream +web\.mesh +web$/.test(line)))
})

test('a change of tags alone says so', () => {
  const lines = planLines(report({ changes: [{ ...update, fields: ['tags'] }] }), io)
  assert.match(lines[1]!, /tags only$/)
})

test('an override is shown with both values and is no change', () => {
  const kept = report({
    overrides: [
      { service: 'web', kind: 'service', id: 's1', name: 'mesh.web', field: 'retries', wanted: 3, actual: 5 },
    ],
  })
  assert.equal(planExitCode(kept), 0)
  assert.ok(planLines(kept, io).some((line) => line.includes('mesh.web retries is 5 by hand, Consul says 3')))
})

test('a field that is pinned as Consul says is no edit of the same value', () => {
  const pinned = { service: 'web', kind: 'service', id: 's1', name: 'mesh.web', field: 'retries' } as const
  const lines = planLines(report({ overrides: [{ ...pinned, wanted: 3, actual: 3 }] }), io)
  assert.equal(
    lines.at(-1),
    'override: service mesh.web retries is pinned by hand; it stays 3 whatever Consul says',
  )
})

test('problems and conflicts are shown, errors first', () => {
  const both = report(
    { conflicts: [{ code: 'NAME_TAKEN', severity: 'error', service: 'api', message: 'taken' }] },
    { problems: [{ code: 'NO_PORT', severity: 'warning', service: 'web', message: 'no port' }] },
  )
  assert.deepEqual(planLines(both, io).slice(1), [
    'error: api: taken (NAME_TAKEN)',
    'warning: web: no port (NO_PORT)',
  ])
})

test('what is held is no deletion but is told apart, with its end and the way to end it', () => {
  const removal: Change = { ...update, action: 'delete', fields: [] }
  const since = { sinceMs: 0, untilMs: 300_000 }
  const held = report(
    { changes: [removal] },
    {
      isHeld: ({ action }) => action === 'delete',
      holds: [
        { kind: 'removal', service: 'web', target: '10.0.0.1:80', ...since },
        { kind: 'critical', service: 'api', target: '10.0.0.2:80', ...since },
      ],
    },
  )
  assert.equal(planExitCode(held), 2)
  assert.deepEqual([held.counts.delete, held.changes.length, held.held.length], [0, 0, 2])
  const lines = planLines(held, io)
  assert.match(lines[1]!, /^= held +upstream +web\.mesh +web +until 1970-01-01T00:05:00\.000Z, then deleted$/)
  assert.match(lines[2]!, /^= held +target +10\.0\.0\.2:80 +api +until 1970.*, though critical$/)
  assert.match(lines[4]!, /0 to delete\. 2 held: "kongsul guard accept" lets them happen now\.$/)
})

test('secrets of plugins are masked', () => {
  const plugin = (secret: string): Entity => ({ ...upstream({ 'config.secret': secret }), kind: 'plugin' })
  const change: Change = {
    ...update,
    entity: plugin('new'),
    before: plugin('old'),
    fields: ['config.secret'],
  }
  const text = JSON.stringify(report({ changes: [change] }))
  assert.ok(!text.includes('old') && !text.includes('new'), text)
})
