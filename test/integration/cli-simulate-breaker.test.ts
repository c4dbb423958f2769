// `kongsul simulate breaker`: what goes in, what comes out, exit codes.
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { tappedShape } from '../../operator/metrics/outcome-tap.ts'
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

test('requests as tap tells them become a scenario, by the script of docs/tuning.md', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'kongsul-tuning-'))
  try {
    const text = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'tuning.md'), 'utf8')
    const [, code] = /```js\n([\s\S]*?)```/.exec(text)!
    const script = join(folder, 'scenario.mjs')
    writeFileSync(script, code!)
    const began = Date.parse('2026-01-02T03:04:05.000Z')
    const call = (number: number, instance: string, status: number) =>
      tappedShape.parse({
        ...{
          time: new Date(began + number * 10).toISOString(),
          service_name: 'web',
          instance_id: null,
          instance,
          status,
        },
        ...{ method: 'GET', path: '/', duration: 25.5, source: 'upstream', trace_id: null, request_id: null },
        tries: [{ instance, status, duration: number % 2 === 0 ? 25 : null }],
      })
    const [good, bad] = ['10.0.0.1:80', '10.0.0.2:80']
    const calls = Array.from({ length: 30 }, (_, n) => (n % 2 === 0 ? call(n, good, 200) : call(n, bad, 500)))
    const lines = calls.map((each) => JSON.stringify(each)).join('\n')
    const scenarioOf = (config: object) =>
      execFileSync(process.execPath, [script, JSON.stringify(config)], { input: lines, encoding: 'utf8' })
    const firstOut = async (config: object) => {
      const { code: status, stdout, stderr } = await simulateInput(scenarioOf(config))
      assert.equal(status, 0, stderr)
      const [first] = JSON.parse(stdout).transitions
      return [first.circuit, first.to, first.at - began]
    }
    assert.deepEqual(await firstOut({}), [bad, 'ejected', 116])
    assert.deepEqual(await firstOut({ consecutiveFailures: 2 }), [bad, 'ejected', 56])
  } finally {
    rmSync(folder, { recursive: true })
  }
})
