// Services that join with kongsul/client: the built package, processes of their own, a real Consul.
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { type ChildProcess, execFile, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
// @ts-expect-error a script without types
import { buildClient } from '../../operator/setup/build.mjs'
import { startConsul, type TestConsul } from '../support/consul.ts'
import { waitFor } from '../support/wait-for.ts'

const SERVICE = join(import.meta.dirname, '..', 'support', 'joined-service.mjs')
const folder = mkdtempSync(join(tmpdir(), 'kongsul-client-'))
const children = new Set<ChildProcess>()
let consul: TestConsul
before(async () => {
  ;[consul] = await Promise.all([startConsul({ keepData: true }), buildClient(folder)])
})
after(async () => {
  for (const child of children) child.kill('SIGKILL')
  await consul.stop()
  rmSync(folder, { recursive: true, force: true })
})

interface Joined {
  readonly child: ChildProcess
  readonly id: string
  readonly port: number
  readonly isRegistered: boolean
  /** Everything it has told. */
  readonly told: object[]
  readonly ended: Promise<{ code: number | null; signal: string | null }>
}

async function start(options: object, behaviour = ''): Promise<Joined> {
  const given = JSON.stringify({ consul: consul.url, ...options })
  const child = fork(SERVICE, [join(folder, 'client.js'), given, behaviour], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    execArgv: [],
  })
  children.add(child)
  let errors = ''
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    errors += text
  })
  const told: object[] = []
  child.on('message', (message) => told.push(message as object))
  const ended = once(child, 'exit').then(([code, signal]) => ({ code, signal }))
  const first = await Promise.race([
    once(child, 'message').then(([message]) => message as Pick<Joined, 'id' | 'port' | 'isRegistered'>),
    ended.then(({ code }) => Promise.reject(new Error(`ended with ${code}: ${errors}`))),
  ])
  return { child, told, ended, ...first }
}

interface Row {
  readonly Service: { ID: string; Address: string; Port: number; Tags: string[] }
  readonly Checks: { CheckID: string; Status: string; Output: string }[]
}
const rowsOf = async (service: string) => (await consul.request('GET', `/health/service/${service}`)) as Row[]
const stateOf = async (service: string) => {
  const [row] = await rowsOf(service)
  const check = row?.Checks.find(({ CheckID }) => CheckID.startsWith('service:'))
  return check === undefined ? null : `${check.Status} ${check.Output}`.trim()
}

test('joins with the agent of its machine, passing and exposed, at the address that the agent has', async () => {
  const { id, port, isRegistered } = await start({ service: 'joined' })
  const [row] = await rowsOf('joined')
  deepEqual([row!.Service.ID, row!.Service.Address, row!.Service.Port], [id, '127.0.0.1', port])
  deepEqual([id, isRegistered], [`joined-127.0.0.1-${port}`, true])
  deepEqual(row!.Service.Tags, ['kongsul.enable=true'])
  equal(await stateOf('joined'), 'passing')
})

test('heartbeats keep it passing beyond its TTL, and status is told at once and with each of them', async () => {
  const { child, told } = await start({ service: 'beating', ttlSeconds: 0.6 })
  child.send({ say: 'degraded', note: 'disk is full' })
  await waitFor(() => told.length === 2)
  equal(await stateOf('beating'), 'warning disk is full')
  const until = Date.now() + 1_500
  await waitFor(async () => {
    equal(await stateOf('beating'), 'warning disk is full')
    return Date.now() > until
  })
  child.send({ say: 'unhealthy' })
  await waitFor(() => told.length === 3)
  equal(await stateOf('beating'), 'critical')
})

test('killed, it is silent: critical after its TTL, and Consul is told to take it out then', async () => {
  const { child, id } = await start({ service: 'killed', ttlSeconds: 1 })
  child.kill('SIGKILL')
  await waitFor(async () => (await stateOf('killed'))?.startsWith('critical'), {
    what: 'the TTL running out',
  })
  const checks = (await consul.request('GET', '/agent/checks')) as Record<string, { Definition: object }>
  ok(`service:${id}` in checks)
})

const ends: [how: string, behaviour: string, end: (child: ChildProcess) => void, expected: object][] = [
  ['SIGTERM, which ends it as ever', '', (child) => child.kill('SIGTERM'), { code: null, signal: 'SIGTERM' }],
  ['SIGINT', '', (child) => child.kill('SIGINT'), { code: null, signal: 'SIGINT' }],
  [
    'SIGTERM with a handler of its own, which runs',
    'own handler',
    (child) => child.kill('SIGTERM'),
    { code: 7, signal: null },
  ],
  [
    'a handler that exits at once',
    'handler that exits',
    (child) => child.kill('SIGTERM'),
    { code: 5, signal: null },
  ],
  ['process.exit', '', (child) => child.send({ end: 'exit' }), { code: 3, signal: null }],
  ['an error that nobody catches', '', (child) => child.send({ end: 'error' }), { code: 1, signal: null }],
  ['nothing left to do', '', (child) => child.send({ end: 'nothing to do' }), { code: 0, signal: null }],
]
for (const [at, [how, behaviour, end, expected]] of ends.entries()) {
  test(`it is gone from Consul when it has ended by ${how}`, async () => {
    const service = `ends-${at}`
    const { child, ended, told } = await start({ service }, behaviour)
    equal((await rowsOf(service)).length, 1)
    end(child)
    deepEqual(await ended, expected)
    deepEqual(await rowsOf(service), [])
    if (behaviour === 'own handler') deepEqual(told.at(-1), { handled: true })
  })
}

test('without leaveOnExit a signal ends it, and nobody takes it out', async () => {
  const { child, ended } = await start({ service: 'stays', leaveOnExit: false })
  child.kill('SIGTERM')
  deepEqual(await ended, { code: null, signal: 'SIGTERM' })
  equal((await rowsOf('stays')).length, 1)
})

test('Consul asks it where it wants that, and status is of no use then', async () => {
  const { port, child, ended } = await start({
    service: 'asked',
    check: { http: '/health', intervalSeconds: 1 },
  })
  const checks = (await consul.request('GET', '/agent/checks')) as Record<string, { Type: string }>
  equal(checks[`service:asked-127.0.0.1-${port}`]!.Type, 'http')
  const output = async () =>
    ((await consul.request('GET', '/agent/checks')) as Record<string, { Output: string }>)[
      `service:asked-127.0.0.1-${port}`
    ]!.Output
  await waitFor(async () => (await output()).includes('200 OK'), { what: 'Consul having asked' })
  child.send({ say: 'degraded' })
  equal((await ended).code, 1)
})

test('an agent that was away, or forgot everything, has it again', async () => {
  const options = { service: 'again', ttlSeconds: 0.6 }
  const joined = await start(options)
  await consul.deregister(joined.id)
  await waitFor(async () => (await rowsOf('again')).length === 1, { what: 'being registered again' })
  joined.child.send({ say: 'degraded', note: 'still' })
  await waitFor(() => joined.told.length === 2)
  await consul.kill()
  const early = await start({ service: 'early', ttlSeconds: 0.6, address: '127.0.0.1' })
  equal(early.isRegistered, false, 'it has started all the same')
  await consul.start()
  await waitFor(async () => (await stateOf('again')) === 'warning still', {
    what: 'the restart',
  })
  await waitFor(async () => (await stateOf('early')) === 'passing', {
    what: 'its first registration',
  })
})

test('what Consul refuses is the service’s to hear, by name', async () => {
  const message = await start({ service: 'refused', meta: { 'kongsul-x': 'a'.repeat(500) }, port: 0 }).then(
    () => 'it joined',
    (error: Error) => error.message,
  )
  match(message, /join: port must be 1 to 65535/)
})

test('an application in TypeScript compiles against it, by import and by require, and both run', async () => {
  const app = join(folder, 'app')
  mkdirSync(join(app, 'node_modules', 'kongsul'), { recursive: true })
  symlinkSync(
    join(import.meta.dirname, '..', '..', 'node_modules', '@types'),
    join(app, 'node_modules', '@types'),
  )
  mkdirSync(join(app, 'node_modules', 'kongsul', 'dist'))
  symlinkSync(folder, join(app, 'node_modules', 'kongsul', 'dist', 'client'))
  const manifest = (await import('../../package.json', { with: { type: 'json' } })).default
  writeFileSync(
    join(app, 'node_modules', 'kongsul', 'package.json'),
    JSON.stringify({ name: 'kongsul', type: 'module', exports: manifest.exports }),
  )
  writeFileSync(join(app, 'package.json'), '{"type":"module"}')
  const lines = [
    "const mesh: Mesh = await join({ service: 'web', port: 3000, meta: { zone: 'a' } })",
    "await mesh.status('degraded', 'disk')",
    "const answer: Response = await mesh.fetch('http://api.mesh/')",
    '// @ts-expect-error an option that does not exist',
    "await join({ service: 'web', port: 3000, wrong: true })",
    'console.log(answer.status)',
  ]
  writeFileSync(
    join(app, 'app.mts'),
    ["import { join, type Mesh } from 'kongsul/client'", ...lines].join('\n'),
  )
  const asynchronous = [
    "import client = require('kongsul/client')",
    "type Mesh = import('kongsul/client').Mesh",
    'const { join } = client',
    'async function main() {',
    ...lines,
    '}',
    'void main',
  ]
  writeFileSync(join(app, 'app.cts'), asynchronous.join('\n'))
  const tsc = join(import.meta.dirname, '..', '..', 'node_modules', 'typescript', 'bin', 'tsc')
  const run = promisify(execFile)
  const options = [
    '--noEmit',
    '--skipLibCheck',
    '--strict',
    '--module',
    'nodenext',
    '--target',
    'es2023',
    '--types',
    'node',
    '--preserveSymlinks',
    'app.mts',
    'app.cts',
  ]
  await run(process.execPath, [tsc, ...options], { cwd: app }).catch((error) =>
    Promise.reject(new Error(error.stdout)),
  )
  for (const script of [
    "import('kongsul/client').then(({ join }) => console.log(typeof join))",
    "console.log(typeof require('kongsul/client').join)",
  ]) {
    const { stdout } = await run(process.execPath, ['--preserve-symlinks', '-e', script], { cwd: app })
    equal(stdout.trim(), 'function')
  }
})
