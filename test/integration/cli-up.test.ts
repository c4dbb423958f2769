// `kongsul up` with all its processes: the self-test, a taken port, and what is left behind.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { after, test } from 'node:test'
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

/** Processes that `up` started, Consul below its keeper included. */
function partsOf(up: KongsulProcess): number[] {
  const parts = descendants(up.pid)
  // keeper, consul, gateway, operator, 7 instances
  assert.equal(parts.length, 11, parts.map(({ command }) => command).join('\n'))
  return parts.map(({ pid }) => pid)
}

const gone = (pids: readonly number[]) =>
  waitFor(() => !processes().some(({ pid }) => pids.includes(pid)), { what: 'every part has ended' })

test('up --check passes every check and exits with 0', async () => {
  const { code, stdout, stderr } = await runKongsul(['up', '--check', '--free-ports', '-o', 'json'])
  assert.equal(code, 0, `${stdout}\n${stderr}`)
  const { ok, checks } = JSON.parse(stdout) as { ok: boolean; checks: { check: string; ok: boolean }[] }
  assert.equal(ok, true)
  assert.equal(checks.length, 8)
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

test('the printed request works, and Ctrl-C stops everything and leaves no process', async () => {
  const up = await startUp()
  const pids = partsOf(up)
  const [, host, url] = /curl -H 'Host: (\S+)' (\S+)/.exec(up.output())!
  assert.equal(host, 'web.mesh')
  const answer = await fetch(url!.replace(/\/$/, '/web/'))
  const body = (await answer.json()) as { called: { called: { service: string } } }
  assert.equal(body.called.called.service, 'store')
  assert.equal(await up.stop('SIGINT'), 0)
  await gone(pids)
})

test('kill -9 of up leaves no process behind', async () => {
  const up = await startUp()
  const pids = partsOf(up)
  await up.stop('SIGKILL')
  await gone(pids)
})

test('beside a Consul that was there, kill -9 of up takes its own services out and leaves the others', async () => {
  const consul = await startConsul()
  try {
    await consul.register({ Name: 'web', ID: 'web-9', Port: 9 })
    const up = await startUp({ CONSUL_HTTP_ADDR: consul.url })
    const services = async () => Object.keys((await consul.request('GET', '/agent/services')) as object)
    // web is taken by somebody else: ours have another name.
    assert.ok((await services()).includes('sample-web-1'))
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
  const pids = partsOf(up)
  const operator = descendants(up.pid).find(({ command }) => /main\.\w+ operator /.test(command))
  process.kill(operator!.pid, 'SIGKILL')
  assert.equal(await up.exited, 1)
  assert.match(up.output(), /the operator ended with signal SIGKILL/)
  await gone(pids)
})
