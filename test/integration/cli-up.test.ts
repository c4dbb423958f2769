// `kongsul up` with all its processes: the self-test, a taken port, and what is left behind.
import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { startConsul } from '../support/consul.ts'
import { type KongsulProcess, runKongsul, startKongsul } from '../support/kongsul-process.ts'
import { descendants, processes } from '../support/process-tree.ts'
import { waitFor } from '../support/wait-for.ts'

const started: KongsulProcess[] = []
after(() => Promise.all(started.map((each) => each.stop())))

async function startUp(env: Record<string, string> = {}): Promise<KongsulProcess> {
  const up = startKongsul(['up', '--free-ports'], env)
  started.push(up)
  await Promise.race([
    waitFor(() => up.output().includes('Ctrl-C stops all'), { deadlineMs: 90_000, what: 'up is complete' }),
    up.exited.then((code) => {
      throw new Error(`up ended with ${code}:\n${up.output()}`)
    }),
  ])
  return up
}

interface Parts {
  readonly pids: readonly number[]
  /** Folder of the sockets. */
  readonly folder: string
  /** The process whose command line matches. */
  pidOf(command: RegExp): number
}

/** Everything that `up` started, Consul below its keeper and the two processes of the plugins included. */
async function partsOf(up: KongsulProcess): Promise<Parts> {
  // keeper, consul, plugins and below them one that works and one that waits, gateway, operator, 7 instances
  const parts = await waitFor(
    () => {
      const found = descendants(up.pid)
      return found.length === 14 ? found : null
    },
    { what: '14 processes' },
  )
  const folder = parts.map(({ command }) => / --socket-dir (\S+)/.exec(command)?.[1]).find((each) => each)!
  assert.ok(existsSync(folder))
  return {
    pids: parts.map(({ pid }) => pid),
    folder,
    pidOf: (command) => parts.find((part) => command.test(part.command))!.pid,
  }
}

const gone = (pids: readonly number[]) =>
  waitFor(() => !processes().some(({ pid }) => pids.includes(pid)), { what: 'every part has ended' })

test('up --check passes every check and exits with 0', async () => {
  const { code, stdout, stderr } = await runKongsul(['up', '--check', '--free-ports', '-o', 'json'])
  assert.equal(code, 0, `${stdout}\n${stderr}`)
  const { ok, checks } = JSON.parse(stdout) as { ok: boolean; checks: { check: string; ok: boolean }[] }
  assert.equal(ok, true)
  assert.equal(checks.length, 13)
})

test('a taken port is named with its owner and a way out', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const { code, stderr } = await runKongsul(['up', '--free-ports', '--port', `proxy=${port}`])
  server.close()
  assert.equal(code, 1)
  assert.match(stderr, new RegExp(`port ${port} \\(proxy\\) belongs to process ${process.pid} \\(`))
  assert.match(stderr, /--port proxy=\d+/)
})

test('a taken port of the access log is named with its owner, although it is UDP', async () => {
  const socket = createSocket('udp4')
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const { port } = socket.address()
  const { code, stderr } = await runKongsul(['up', '--free-ports', '--port', `feed=${port}`])
  socket.close()
  assert.equal(code, 1)
  assert.match(stderr, new RegExp(`UDP port ${port} \\(feed\\) belongs to process ${process.pid} \\(`))
})

describe('an up that runs', () => {
  let up: KongsulProcess
  let parts: Parts
  before(async () => {
    up = await startUp()
    parts = await partsOf(up)
  })

  test('the printed request works', async () => {
    const [, host, url] = /curl -H 'Host: (\S+)' (\S+)/.exec(up.output())!
    assert.equal(host, 'web.mesh')
    const answer = await fetch(url!.replace(/\/$/, '/web/'))
    const body = (await answer.json()) as { called: { called: { service: string } } }
    assert.equal(body.called.called.service, 'store')
  })

  test('the printed failing instance is ejected, and circuits, status and doctor tell of it', async () => {
    const output = up.output()
    const [, proxyUrl] = /^proxy (\S+)/m.exec(output)!
    const [, fail] = /curl -s -X POST (\S+\/fail);/.exec(output)!
    const env = Object.fromEntries(
      [.../(?<=export ).*/.exec(output)![0].matchAll(/(\w+)=(\S+)/g)].map(([, name, value]) => [
        name!,
        value!,
      ]),
    )
    const told = async (...args: string[]) => (await runKongsul(args, env)).stdout
    assert.match(await told('doctor'), /ok +plugins +working, and known to the operator/)
    assert.equal((await fetch(fail!, { method: 'POST' })).status, 200)
    const statuses: number[] = []
    const send = async () => statuses.push((await fetch(`${proxyUrl}/api/`)).status)
    await waitFor(
      async () => {
        for (let sent = 0; sent < 10; sent++) await send()
        return /instance api-3 of api is ejected for .* tried again in .* 5 failures in a row/.test(
          await told('circuits'),
        )
      },
      { what: 'the ejection being listed' },
    )
    assert.ok(statuses.filter((status) => status !== 200).length >= 5)
    statuses.length = 0
    for (let sent = 0; sent < 30; sent++) await send()
    assert.deepEqual([...new Set(statuses)], [200])
    assert.match(await told('status'), /api-3 .* EJECTED \(by the circuit breaker\)/)
    // With the operator away Consul's KV tells.
    const direct = await told('status', '--direct')
    assert.match(direct, /instance api-3 of api is ejected/)
  })

  test('requests go on while the plugins are killed, and they are started again', async () => {
    const [, proxyUrl] = /^proxy (\S+)/m.exec(up.output())!
    const send = async () => (await fetch(`${proxyUrl}/store/`)).status
    assert.equal(await send(), 200)
    process.kill(parts.pidOf(/ plugins --socket-dir/), 'SIGKILL')
    await waitFor(
      () => up.output().includes('the plugins ended (signal SIGKILL): requests go on without them'),
      {
        what: 'the end being told',
      },
    )
    assert.equal(await send(), 200)
    const again = await waitFor(() => /the plugins are started again, pid (\d+)/.exec(up.output())?.[1], {
      what: 'the plugins being started again',
    })
    await waitFor(async () => descendants(Number(again)).length === 2, { what: 'its processes' })
    assert.equal(await send(), 200)
  })

  test('Ctrl-C stops everything and leaves no process', async () => {
    parts = await partsOf(up)
    assert.equal(await up.stop('SIGINT'), 0)
    await gone(parts.pids)
    assert.ok(!existsSync(parts.folder), 'the folder of the sockets is removed')
  })
})

test('a Consul that is named and does not answer is told with what to do', async () => {
  const { code, stderr } = await runKongsul(['up', '--free-ports'], {
    CONSUL_HTTP_ADDR: 'http://127.0.0.1:9',
  })
  assert.equal(code, 1)
  assert.match(stderr, /using the Consul at http:\/\/127\.0\.0\.1:9\n/)
  assert.match(stderr, /what to do: start it, or mend CONSUL_HTTP_ADDR .* a Consul of its own\n/)
})

test('kill -9 of up leaves no process behind', async () => {
  const up = await startUp()
  const { pids, folder } = await partsOf(up)
  await up.stop('SIGKILL')
  await gone(pids)
  assert.ok(!existsSync(folder), 'the folder of the sockets is removed')
})

test('beside a Consul that was there, kill -9 of up takes its own services out and leaves the others', async () => {
  const consul = await startConsul()
  try {
    await consul.register({ Name: 'web', ID: 'web-9', Port: 9 })
    const up = await startUp({ CONSUL_HTTP_ADDR: consul.url })
    const services = async () => Object.keys((await consul.request('GET', '/agent/services')) as object)
    // web is taken by somebody else: ours have another name.
    assert.ok((await services()).includes('sample-web-1'))
    const second = await runKongsul(['up', '--free-ports'], { CONSUL_HTTP_ADDR: consul.url })
    assert.equal(second.code, 1)
    assert.match(second.stderr, /operator \S+ leads mesh default there[\s\S]*KONGSUL_MESH=mine/)
    await up.stop('SIGKILL')
    await waitFor(async () => (await services()).join() === 'web-9', {
      what: 'only the service of others is left',
    })
  } finally {
    await consul.stop()
  }
})

test('a part that ends stops everything and is named', async () => {
  const up = await startUp()
  const { pids, pidOf } = await partsOf(up)
  process.kill(pidOf(/main\.\w+ operator /), 'SIGKILL')
  assert.equal(await up.exited, 1)
  assert.match(up.output(), /the operator ended with signal SIGKILL/)
  await gone(pids)
})
