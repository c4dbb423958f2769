// Documents of migrations: what is taken, what is refused, and what stays in force then.
import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  acceptMigrations,
  migrationKey,
  migrationStatusKey,
} from '../../../operator/legacy/accept-migrations.ts'
import { callPathProblem } from '../../../operator/legacy/call-path.ts'
import {
  MIGRATION_MODES,
  type Migration,
  migrationText,
  readMigration,
} from '../../../operator/legacy/migration.ts'

const migrations: fc.Arbitrary<Migration> = fc.record(
  {
    mode: fc.constantFrom(...MIGRATION_MODES),
    service: fc.stringMatching(/^[a-z][a-z0-9-]{0,60}$/),
    path: fc.stringMatching(/^\/[a-z0-9]{0,20}(\?[a-z=&]{0,20})?$/),
    timeout: fc.integer({ min: 1, max: 300 }),
  },
  { noNullPrototype: true },
)
const row = (text: string) => ({ text, index: 1 })

test('what is written is read the same', () => {
  fc.assert(
    fc.property(migrations, (migration) => {
      deepEqual(readMigration('a:b_c', migrationText(migration)), { ok: true, migration })
    }),
  )
})

test('defaults are the path /process and 30 s; YAML is understood', () => {
  deepEqual(readMigration('a', 'mode: mesh\nservice: worker\n'), {
    ok: true,
    migration: { mode: 'mesh', service: 'worker', path: '/process', timeout: 30 },
  })
})

const REFUSED: [what: string, text: string][] = [
  ['no mode', '{"service": "a"}'],
  ['a mode that does not exist', '{"mode": "both", "service": "a"}'],
  ['mesh without service', '{"mode": "mesh"}'],
  ['a service with a slash', '{"mode": "mesh", "service": "a/b"}'],
  ['a timeout in milliseconds', '{"mode": "mesh", "service": "a", "timeout": 5000}'],
  ['a timeout as text', '{"mode": "mesh", "service": "a", "timeout": "5s"}'],
  ['an unknown field', '{"mode": "queue", "retries": 3}'],
  ['a path without slash', '{"mode": "queue", "path": "process"}'],
  ['a list', '[]'],
  ['what is neither JSON nor YAML', '{"mode": '],
  ['nothing', ''],
  ['__proto__', '{"mode": "queue", "__proto__": {}}'],
]
for (const [what, text] of REFUSED) {
  test(`${what} is refused with a reason`, () => {
    const read = readMigration('a', text)
    ok(!read.ok && read.errors.length > 0 && read.errors.every((error) => error !== ''))
  })
}

test('any text is read or refused, and nothing throws', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      const read = readMigration('a', text)
      ok(read.ok || read.errors.length > 0)
    }),
  )
})

test('a bad document never changes what was in force', () => {
  fc.assert(
    fc.property(migrations, fc.constantFrom(...REFUSED), (migration, [, bad]) => {
      const good = acceptMigrations(null, new Map([[migrationKey('a'), row(migrationText(migration))]]))
      const now = acceptMigrations(good, new Map([[migrationKey('a'), row(bad)]]))
      deepEqual(now.byTopic.get('a')?.migration, migration)
      equal(now.refused.get(migrationKey('a'))?.lastGood, migrationText(migration))
    }),
  )
})

test('an operator that has just started takes the last good document from the status', () => {
  const document = migrationKey('a')
  const lastGood = '{"mode":"mirror","service":"w"}'
  const status = { state: 'refused', document, errors: ['x'], since: 'now', lastGood }
  const rows = new Map([
    [document, row('{')],
    [migrationStatusKey(document), row(JSON.stringify(status))],
  ])
  equal(acceptMigrations(null, rows).byTopic.get('a')?.migration.mode, 'mirror')
  equal(acceptMigrations(null, new Map([[document, row('{')]])).byTopic.size, 0)
})

const PATHS: [path: string, isGood: boolean][] = [
  ['/', true],
  ['/a/b?x=/../1', true],
  ['/a..b/.c', true],
  ['', false],
  ['a', false],
  ['//host/a', false],
  ['http://host/', false],
  ['/a/../b', false],
  ['/a/%2E%2e', false],
  ['/a/.', false],
  ['/a\\b', false],
  ['/a b', false],
  ['/a\r\nHost: x', false],
  ['/ä', false],
  ['/a#b', false],
]
for (const [path, isGood] of PATHS) {
  test(`the path ${JSON.stringify(path)} is ${isGood ? 'taken' : 'refused'}`, () => {
    equal(callPathProblem(path) === null, isGood)
  })
}
