// `plan --catalog FILE --actual FILE`: exit codes, with no server anywhere.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { runKongsul } from '../support/kongsul-process.ts'

const fixture = (name: string) => join(import.meta.dirname, '..', 'fixtures', 'plan', name)
const plan = (catalog: string, actual: string, ...more: string[]) =>
  runKongsul(['plan', '--catalog', fixture(catalog), '--actual', fixture(actual), ...more])

test('changes mean exit code 2 and a table', async () => {
  const { code, stdout, stderr } = await plan('consul.yaml', 'kong-empty.json')
  assert.deepEqual([code, stderr], [2, ''])
  assert.match(stdout, /^ACTION +KIND +NAME +SERVICE +WHAT\n/)
  assert.match(stdout, /6 to create, 0 to update, 0 to delete\./)
})

test('nothing to do means exit code 0', async () => {
  const { code, stdout } = await plan('consul-empty.json', 'kong-empty.json')
  assert.deepEqual([code, stdout], [0, 'Nothing to do: Kong is as Consul says.\n'])
})

test('-o json is JSON alone', async () => {
  const { code, stdout } = await plan('consul.yaml', 'kong-empty.json', '-o', 'json')
  assert.equal(code, 2)
  assert.equal(JSON.parse(stdout).counts.create, 6)
})

test('a missing file means exit code 1 and says what to do', async () => {
  const { code, stderr } = await plan('none.json', 'kong-empty.json')
  assert.equal(code, 1)
  assert.match(stderr, /none\.json[\s\S]*ENOENT[\s\S]*what to do: give a file of the form/)
})

test('one file without the other is refused', async () => {
  const { code, stderr } = await runKongsul(['plan', '--catalog', fixture('consul.yaml')])
  assert.equal(code, 1)
  assert.match(stderr, /give both --catalog FILE and --actual FILE/)
})
