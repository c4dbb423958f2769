import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { useUpFiles } from '../support/file-limit.ts'
import { freeUdpPort } from '../support/free-port.ts'
import { startKongsul } from '../support/kongsul-process.ts'
import { parseMetrics, sumOf } from '../support/metrics.ts'
import { RECORDED } from '../support/outcomes.ts'
import { type Outcome, PluginPeer } from '../support/plugin-socket.ts'
import { descendants } from '../support/process-tree.ts'
import { waitFor } from '../support/wait-for.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const folders: string[] = []
after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

function folderOf(mode = 0o700): string {
  const folder = mkdtempSync(join(tmpdir(), 'kp-'))
  folders.push(folder)
  const inner = join(folder, 's')
  mkdirSync(inner, { mode })
  return inner
}

interface Health {
  readonly isHealthy: boolean
  readonly working: number | null
  readonly waiting: number | null
  readonly restarts: { readonly exited: number; readonly hung: number }
}

async function startPlugins(folder: string, ...args: readonly string[]) {
  const server = startKongsul([
    'plugins',
    '--socket-dir',
    folder,
    '--plugins-port',
    '0',
    '--port',
    'feed=0',
    ...args,
  ])
  const url = await waitFor(() => /http:\/\/127\.0\.0\.1:\d+/.exec(server.output())?.[0], {})
  const health = async () => (await (await fetch(`${url}/healthz`)).json()) as Health
  const settled = () =>
    waitFor(
      async () => {
        const now = await health()
        return now.working && now.waiting ? (now as Health & { working: number; waiting: number }) : null
      },
      { what: 'a working and a waiting process' },
    )
  return { server, url, health, settled, socket: join(folder, 'mesh-circuit-breaker.sock') }
}

/** Requests at a steady pace until `until` ends. */
async function traffic(peer: PluginPeer, until: Promise<unknown>): Promise<Outcome[]> {
  let isOver = false
  const end = until.finally(() => {
    isOver = true
  })
  const outcomes: Promise<Outcome>[] = []
  while (!isOver) {
    outcomes.push(peer.access())
    await delay(4)
  }
  await end
  return Promise.all(outcomes)
}

/** A process that got SIGSTOP runs on for a moment. */
const isStopped = (pid: number): boolean =>
  /^T/.test(execFileSync('ps', ['-o', 'state=', '-p', String(pid)], { encoding: 'utf8' }))

const failed = (outcomes: readonly Outcome[]) => outcomes.filter(({ kind }) => kind === 'failed')

test('a killed working process costs no request but those it was answering, and no instance is started again', async () => {
  const { server, health, settled, socket } = await startPlugins(folderOf(), '--hang-ms', '5000')
  const peer = new PluginPeer(socket, 'mesh-circuit-breaker')
  try {
    assert.equal((await peer.access()).kind, 'passed')
    for (let round = 0; round < 3; round++) {
      const { working } = await settled()
      let inFlight = 0
      const outcomes = await traffic(
        peer,
        (async () => {
          await delay(100)
          process.kill(working, 'SIGKILL')
          await waitFor(async () => (await health()).working !== working && (await health()).isHealthy, {})
          await delay(100)
        })(),
      )
      inFlight = outcomes.filter(({ kind }) => kind === 'open').length
      assert.deepEqual(failed(outcomes), [])
      assert.ok(inFlight <= 12, `${inFlight} of ${outcomes.length} had no answer`)
    }
    assert.equal(peer.started, 1)
  } finally {
    peer.close()
    await server.stop()
  }
})

for (const [what, hang] of [
  ['stopped with SIGSTOP', (pid: number) => process.kill(pid, 'SIGSTOP')],
] as const) {
  test(`a working process that is ${what} is replaced, and no request fails`, async () => {
    const { server, health, settled, socket } = await startPlugins(folderOf(), '--hang-ms', '400')
    const peer = new PluginPeer(socket, 'mesh-circuit-breaker', 500)
    try {
      await peer.access()
      const { working } = await settled()
      const outcomes = await traffic(
        peer,
        (async () => {
          hang(working)
          await waitFor(async () => (await health()).restarts.hung >= 1)
          await delay(100)
        })(),
      )
      assert.deepEqual(failed(outcomes), [])
      assert.equal((await peer.access()).kind, 'passed')
      assert.throws(() => process.kill(working, 0), 'it is gone')
    } finally {
      peer.close()
      await server.stop()
    }
  })
}

test('what Kong sent while nobody read is not answered when it may have given up', async () => {
  const { server, settled, socket } = await startPlugins(folderOf(), '--hang-ms', '400')
  const peer = new PluginPeer(socket, 'mesh-circuit-breaker', 10_000)
  try {
    const { working } = await settled()
    process.kill(working, 'SIGSTOP')
    await assert.rejects(peer.call('GetStatus', null), /closed/)
    // On a busy machine the process that takes over may read its first request too late as well.
    await waitFor(async () => (await peer.access()).kind === 'passed')
  } finally {
    peer.close()
    await server.stop()
  }
})

test('no line of the access log is lost that comes while a working process stands still, dies and is replaced', async () => {
  const LINES = 100 // what the kernel's usual buffer holds while nobody reads
  const port = await freeUdpPort()
  const { server, url, health, settled } = await startPlugins(folderOf(), '--port', `feed=${port}`)
  const socket = createSocket('udp4')
  const send = async (count: number) => {
    for (let i = 0; i < count; i++) {
      await new Promise((sent) => socket.send(RECORDED['answered']!.line, port, '127.0.0.1', sent))
    }
  }
  const counted = async () =>
    sumOf(parseMetrics(await (await fetch(`${url}/metrics`)).text()), 'mesh_outcome_lines_rejected_total')
  try {
    for (const end of ['SIGKILL', 'hang'] as const) {
      const { working } = await settled()
      process.kill(working, 'SIGSTOP')
      await waitFor(() => isStopped(working), { what: 'the process stopped' })
      await send(LINES)
      if (end === 'SIGKILL') process.kill(working, 'SIGKILL')
      await waitFor(async () => ![null, working].includes((await health()).working))
      await send(LINES)
      await waitFor(async () => (await counted()) === 2 * LINES, {
        what: 'all lines read by the next process',
      })
    }
  } finally {
    socket.close()
    await server.stop()
  }
})

test('a plugin that never ends a loop is replaced with its process', async () => {
  const folder = folderOf()
  const toy = join(ROOT, 'test', 'fixtures', 'plugin-rpc', 'toy-a.cjs')
  const { server, health, settled } = await startPlugins(folder, '--plugin', toy, '--hang-ms', '400')
  const peer = new PluginPeer(join(folder, 'toy-a.sock'), 'toy-a', 5_000)
  try {
    await settled()
    const { result } = await peer.call('StartInstance', { Name: 'toy-a', Config: '{"mode":"spin"}' })
    await assert.rejects(peer.call('HandleEvent', { InstanceId: result.Id, EventName: 'access' }), /closed/)
    await waitFor(async () => (await health()).isHealthy && (await health()).restarts.hung === 1)
  } finally {
    peer.close()
    await server.stop()
  }
})

test('instances can be started while there is no working process: the supervisor stands in', async () => {
  const { server, settled, socket } = await startPlugins(folderOf(), '--hang-ms', '5000')
  const peer = new PluginPeer(socket, 'mesh-circuit-breaker', 10_000)
  try {
    const { working, waiting } = await settled()
    process.kill(waiting, 'SIGKILL')
    process.kill(working, 'SIGKILL')
    assert.equal((await peer.access()).kind, 'passed')
    const later = await settled()
    assert.notEqual(later.working, working)
    // The connections that the supervisor answered end with one more answer.
    await waitFor(async () => (await peer.access()).kind === 'passed')
    await waitFor(async () => (await peer.call('GetStatus', null)).result.Pid === later.working)
    assert.equal((await peer.access()).kind, 'passed')
    assert.equal(peer.started, 1, 'the new process knows the instance')
  } finally {
    peer.close()
    await server.stop()
  }
})

for (const who of ['the working process', 'the supervisor that stands in'] as const) {
  test(`${who} answers Kong's new connections when it has as many files open as it may`, async () => {
    const { server, url, settled, socket } = await startPlugins(folderOf(), '--hang-ms', '5000')
    const peers = Array.from({ length: 120 }, () => new PluginPeer(socket, 'mesh-circuit-breaker', 10_000))
    try {
      const { working, waiting } = await settled()
      const keptOf = async (name: string) =>
        sumOf(parseMetrics(await (await fetch(`${url}/metrics`)).text()), name)
      const isParent = who !== 'the working process'
      const pids = [server.pid, ...descendants(server.pid).map(({ pid }) => pid)]
      for (const pid of pids) useUpFiles(pid)
      const kept = isParent ? 'mesh_plugin_parent_files_kept' : 'mesh_plugin_files_kept'
      await waitFor(async () => (await keptOf(kept)) < 64, { what: 'the limit being noticed' })
      if (isParent) for (const pid of [waiting, working]) process.kill(pid, 'SIGKILL')
      // Each a connection of its own, and an instance to start: without an answer Kong's client gets a 500.
      const outcomes: Outcome[] = []
      for (const peer of peers) outcomes.push(await peer.access(), await peer.access())
      assert.deepEqual(failed(outcomes), [])
      // One that is closed as Kong takes it costs its request the plugin, and no more.
      assert.ok(outcomes.filter(({ kind }) => kind === 'open').length <= outcomes.length / 10)
      const crowd = await Promise.all(peers.slice(0, 20).map((peer) => peer.access()))
      assert.deepEqual(failed(crowd), [])
    } finally {
      for (const peer of peers) peer.close()
      await server.stop()
    }
  })
}

test('stale sockets are replaced, modes are tight, dumps stay and nothing else does', async () => {
  const folder = folderOf(0o700)
  const stale = join(folder, 'mesh-tracing.sock')
  const holder = spawn(process.execPath, [
    '-e',
    `require('net').createServer().listen(${JSON.stringify(stale)})`,
  ])
  await waitFor(() => existsSync(stale))
  holder.kill('SIGKILL')
  const { server, settled } = await startPlugins(folder)
  try {
    await settled()
    assert.equal(statSync(stale).mode & 0o777, 0o600)
    const [info] = JSON.parse(readFileSync(join(folder, 'mesh-tracing.json'), 'utf8'))
    assert.deepEqual(Object.keys(info), ['Name', 'Version', 'Phases', 'Priority', 'Schema'])
    assert.deepEqual([info.Name, info.Phases, info.Priority], ['mesh-tracing', ['access'], 100_000])
  } finally {
    assert.equal(await server.stop(), 0)
  }
  assert.equal(existsSync(stale), false)
  assert.equal(existsSync(join(folder, 'mesh-tracing.json')), true)
})

test('a folder that its group may enter gets sockets for the group', async () => {
  const folder = folderOf(0o750)
  const { server } = await startPlugins(folder)
  assert.equal(statSync(join(folder, 'mesh-tracing.sock')).mode & 0o777, 0o660)
  await server.stop()
})

test('a socket that somebody listens on is left to them', async () => {
  const folder = folderOf()
  const other = createServer()
  await new Promise<void>((resolve) => other.listen(join(folder, 'mesh-tracing.sock'), resolve))
  const server = startKongsul(['plugins', '--socket-dir', folder, '--plugins-port', '0', '--port', 'feed=0'])
  try {
    assert.equal(await server.exited, 1)
    assert.match(server.output(), /another process listens on .*mesh-tracing\.sock[\s\S]*--socket-dir/)
  } finally {
    other.close()
  }
})

test('workers go with a supervisor that is killed', async () => {
  const { server, settled } = await startPlugins(folderOf())
  const { working, waiting } = await settled()
  await server.stop('SIGKILL')
  const isGone = (pid: number) => {
    try {
      process.kill(pid, 0)
      return false
    } catch {
      return true
    }
  }
  await waitFor(() => isGone(working) && isGone(waiting))
})

test('metrics count requests by plugin and method', async () => {
  const { server, url, settled, socket } = await startPlugins(folderOf())
  const peer = new PluginPeer(socket, 'mesh-circuit-breaker')
  try {
    await settled()
    for (let i = 0; i < 3; i++) await peer.access()
    const text = await (await fetch(`${url}/metrics`)).text()
    assert.match(
      text,
      /mesh_plugin_rpc_duration_seconds_count\{plugin="mesh-circuit-breaker",method="HandleEvent"\} 3/,
    )
    assert.match(text, /mesh_plugin_instances\{plugin="mesh-circuit-breaker"\} 1/)
    assert.match(text, /mesh_plugin_worker_up 1/)
  } finally {
    peer.close()
    await server.stop()
  }
})

test("the plugins load in Kong's own JavaScript plugin server", async () => {
  const program = join(ROOT, 'node_modules', 'kong-pdk', 'bin', 'kong-js-pluginserver')
  const child = spawn(
    process.execPath,
    [program, '--plugins-directory', join(ROOT, 'dist', 'plugins'), '--dump-all-plugins'],
    {
      env: { ...process.env, TS_NODE_SKIP_PROJECT: 'true' },
    },
  )
  let printed = ''
  child.stdout.on('data', (chunk) => (printed += chunk))
  await new Promise((resolve) => child.on('close', resolve))
  const dump = JSON.parse(printed.split('\n').find((line) => line.startsWith('[{"Name"'))!) as {
    Name: string
    Phases: string[]
    Priority: number
  }[]
  assert.deepEqual(dump.map(({ Name, Phases, Priority }) => [Name, Phases, Priority]).sort(), [
    ['mesh-circuit-breaker', ['access'], 900],
    ['mesh-observer', ['log'], 12],
    ['mesh-tracing', ['access'], 100_000],
  ])
})
