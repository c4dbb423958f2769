// `kongsul simulate breaker`: what goes in, what comes out, exit codes.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { runKongsul } from '../support/kongsul-process.ts'

const LAUNCHER = join(import.meta.dirname, '..', '..', 'operator', 'cli', 'kongsul.mjs')

async function simulateInput(text: string) {
  const child = spawn(process.execPath, [LAUNCHER, 'simulate', 'breaker', '-'], { stdio: 'pipe' })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk) => (stdout += chunk))
  child.stderr.on('data', (chunk) => (stderr += chunk))
  child.stdin.end(text)
  const [code] = await once(child, 'close')
  return { code, stdout, stderr }
}

const scenario = {
  config: { service: { consecutiveFailures: 1 }, backoff: { jitter: 0 }, seed: 1 },
  instances: ['10.0.0.1:80'],
  events: [
    { at: 0, access: 'a' },
    { at: 5, outcome: { id: 'a', started_at: 0, status: 503, source: 'upstream' } },
    { at: 6, access: 'b' },
  ],
}

test('an object on standard input gives an object, and nothing else', async () => {
  const { code, stdout, stderr } = await simulateInput(JSON.stringify(scenario))
  assert.deepEqual([code, stderr], [0, ''])
  const { decisions, transitions, ejected, final } = JSON.parse(stdout)
  assert.deepEqual(decisions, [
    { id: 'a', at: 0, admitted: true, state: 'closed', retry_after: null },
    { id: 'b', at: 6, admitted: false, state: 'open', retry_after: 60 },
  ])
  assert.deepEqual(transitions, [
    {
      at: 5,
      circuit: 'service',
      from: 'closed',
      to: 'open',
      reason: 'consecutive_failures: 1 failures in a row; open for 60 s',
    },
  ])
  assert.deepEqual([ejected, final.state], [[], 'open'])
})

test('a list in a file gives a list', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'kongsul-simulate-'))
  try {
    const file = join(folder, 'calls.json')
    writeFileSync(file, JSON.stringify([scenario, { events: [] }]))
    const { code, stdout } = await runKongsul(['simulate', 'breaker', file])
    assert.equal(code, 0)
    assert.deepEqual(
      JSON.parse(stdout).map(({ decisions }: { decisions: unknown[] }) => decisions.length),
      [2, 0],
    )
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('a wrong setting means exit code 1, nothing on standard output and the field on standard error', async () => {
  const { code, stdout, stderr } = await simulateInput('[{"config": {"openSecond": 5}, "events": []}]')
  assert.deepEqual([code, stdout], [1, ''])
  assert.match(stderr, /\[0\]\.config: openSecond is not a setting; did you mean openSeconds\?/)
})
