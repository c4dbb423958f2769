// `kongsul simulate`: one JSON value in, one out, nothing else.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { runKongsul } from '../support/kongsul-process.ts'
import { mismatches, readVectors } from '../support/propagation-vectors.ts'

const folder = mkdtempSync(join(tmpdir(), 'kongsul-simulate-'))
after(() => rmSync(folder, { recursive: true }))

function fileOf(input: unknown): string {
  const path = join(folder, 'input.json')
  writeFileSync(path, typeof input === 'string' ? input : JSON.stringify(input))
  return path
}

test('a list of requests in a file gives a list of answers that match all vectors', async () => {
  const vectors = readVectors()
  const input = vectors.map(({ config, incoming }) => ({ config, incoming }))
  const { code, stdout, stderr } = await runKongsul(['simulate', 'propagation', fileOf(input)])
  assert.deepEqual([code, stderr], [0, ''])
  const answers = JSON.parse(stdout)
  assert.equal(answers.length, vectors.length)
  const failed = vectors.filter((vector, index) => mismatches(vector, answers[index]).length > 0)
  assert.deepEqual(
    failed.map(({ id }) => id),
    [],
  )
})

test('an object on standard input gives an object', async () => {
  const input = JSON.stringify({
    incoming: [
      ['TraceParent', 'broken'],
      ['a', '1'],
      ['A', '2'],
    ],
  })
  const { code, stdout, stderr } = await runKongsul(['simulate', 'propagation', '-'], {}, input)
  assert.deepEqual([code, stderr], [0, ''])
  const { extracted, outgoing } = JSON.parse(stdout)
  assert.equal(extracted, null)
  assert.deepEqual(Object.keys(outgoing), ['traceparent', 'a'])
  assert.deepEqual(outgoing.a, ['1', '2'])
})

test('a wrong field is refused with exit code 1 and named with its place in the list', async () => {
  const input = [{ incoming: [] }, { config: { extract: ['w3d'] }, incoming: [] }]
  const { code, stdout, stderr } = await runKongsul(['simulate', 'propagation', fileOf(input)])
  assert.deepEqual([code, stdout], [1, ''])
  assert.match(stderr, /input\.json[\s\S]*\[1\]\.config\.extract\[0\]: .*"w3c"[\s\S]*what to do: /)
})

test('what is not JSON is refused with exit code 1', async () => {
  const { code, stdout, stderr } = await runKongsul(['simulate', 'propagation', '-'], {}, '{')
  assert.deepEqual([code, stdout], [1, ''])
  assert.match(stderr, /standard input[\s\S]*JSON[\s\S]*what to do: /)
})

test('a file that is not there is refused', async () => {
  const { code, stderr } = await runKongsul(['simulate', 'propagation', join(folder, 'none.json')])
  assert.equal(code, 1)
  assert.match(stderr, /none\.json[\s\S]*ENOENT[\s\S]*name a file that is there/)
})

test('--help of the group names the simulators, and theirs the form of the input', async () => {
  const group = await runKongsul(['simulate', '--help'])
  assert.equal(group.code, 0)
  for (const part of ['propagation', 'Exit codes:', 'Example:']) assert.ok(group.stdout.includes(part), part)
  const one = await runKongsul(['simulate', 'propagation', '--help'])
  assert.equal(one.code, 0)
  for (const part of ['Usage: kongsul', '"incoming"', 'Exit codes:', 'Example:']) {
    assert.ok(one.stdout.includes(part), part)
  }
})
