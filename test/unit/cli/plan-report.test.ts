import assert from 'node:assert/strict'
import { test } from 'node:test'
import pc from 'picocolors'
import { planExitCode, planLines, planReport } from '../../../operator/cli/plan-report.ts'
import type { Change, Diff } from '../../../operator/core/diff.ts'
import type { Entity, Json } from '../../../operator/core/entity.ts'

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
const report = (given: Partial<Diff>) => planReport({ problems: [] }, diffOf(given))

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

test('problems and conflicts are shown, errors first', () => {
  const { changes, overrides } = diffOf({})
  const both = planReport(
    { problems: [{ code: 'NO_PORT', severity: 'warning', service: 'web', message: 'no port' }] },
    {
      changes,
      overrides,
      conflicts: [{ code: 'NAME_TAKEN', severity: 'error', service: 'api', message: 'taken' }],
    },
  )
  assert.deepEqual(planLines(both, io).slice(1), [
    'error: api: taken (NAME_TAKEN)',
    'warning: web: no port (NO_PORT)',
  ])
})
