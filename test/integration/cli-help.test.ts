// The command line as people meet it first: help, version, mistakes.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { runKongsul } from '../support/kongsul-process.ts'

const { version } = JSON.parse(
  readFileSync(join(import.meta.dirname, '..', '..', 'package.json'), 'utf8'),
) as { version: string }

test('--version prints the version of the package', async () => {
  const { code, stdout } = await runKongsul(['--version'])
  assert.deepEqual([code, stdout], [0, `${version}\n`])
})

test('--help names every command and the exit codes', async () => {
  const { code, stdout } = await runKongsul(['--help'])
  assert.equal(code, 0)
  for (const word of [
    'up',
    'operator',
    'gateway',
    'plan|diff',
    'status',
    'doctor|check',
    'drain',
    'migrate',
    'simulate',
    'Exit codes:',
  ]) {
    assert.ok(stdout.includes(word), word)
  }
  assert.ok(!stdout.includes('sample-service'))
})

for (const command of [
  'up',
  'operator',
  'gateway',
  'plan',
  'diff',
  'status',
  'doctor',
  'check',
  'drain',
  'config process',
  'uninstall',
  'deploy',
  'destroy',
]) {
  test(`${command} --help has options, exit codes and examples`, async () => {
    const { code, stdout } = await runKongsul([...command.split(' '), '--help'])
    assert.equal(code, 0)
    for (const part of ['Usage: kongsul', '-o, --output <format>', 'Exit codes:', 'Examples:']) {
      assert.ok(stdout.includes(part), `${part} in\n${stdout}`)
    }
  })
}

test('the help of a subcommand says where exit codes and examples are', async () => {
  for (const words of [
    ['overrides', 'release'],
    ['migrate', 'dead', 'replay'],
    ['canary', 'abort'],
  ]) {
    const { code, stdout } = await runKongsul([...words, '--help'])
    assert.equal(code, 0)
    assert.match(stdout, new RegExp(`exit codes and examples: kongsul ${words[0]} --help\\n$`))
  }
})

test('a mistyped command is refused with a guess', async () => {
  const { code, stderr } = await runKongsul(['statu'])
  assert.equal(code, 1)
  assert.match(stderr, /unknown command 'statu'\n\(Did you mean status\?\)/)
})

test('what a command lacks is answered with where its help is', async () => {
  const { code, stderr } = await runKongsul(['overrides', 'pin', 'web.mesh'])
  assert.equal(code, 1)
  assert.match(stderr, /--field.*\n\(kongsul overrides pin --help tells what it takes\)/)
})

test('a configuration error names the field, its source and the fix, also as JSON', async () => {
  const env = { KONGSUL_PORT_PROXY: 'abc' }
  const told = await runKongsul(['status'], env)
  assert.equal(told.code, 1)
  assert.match(
    told.stderr,
    /port\.proxy \(environment KONGSUL_PORT_PROXY\): "abc" is not a number\. Example: 8000/,
  )
  const json = await runKongsul(['status', '-o', 'json'], env)
  assert.equal(JSON.parse(json.stdout).error.code, 'CONFIG_INVALID')
})

test('config process prints each value with its source and no secret', async () => {
  const env = { CONSUL_HTTP_TOKEN: 'hush-hush', KONGSUL_MESH: 'blue' }
  const { code, stdout } = await runKongsul(['config', 'process', '-o', 'json', '--port', 'proxy=9000'], env)
  const rows = JSON.parse(stdout) as { path: string; value: unknown; source: string }[]
  const row = (path: string) => rows.find((each) => each.path === path)
  assert.equal(code, 0)
  assert.deepEqual([row('mesh')?.value, row('mesh')?.source], ['blue', 'environment KONGSUL_MESH'])
  assert.deepEqual([row('port.proxy')?.value, row('port.proxy')?.source], [9000, 'flag --port-proxy'])
  assert.ok(!stdout.includes('hush-hush'))
})

test('completion prints a script with every command, and what is below it', async () => {
  const { code, stdout } = await runKongsul(['completion', 'bash'])
  assert.equal(code, 0)
  for (const part of ["'overrides pin')", "'config process')", "'status --output') words='text json'"]) {
    assert.ok(stdout.includes(part), part)
  }
  assert.ok(!stdout.includes('sample-service'))
})
