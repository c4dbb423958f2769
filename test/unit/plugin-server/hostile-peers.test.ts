// Whoever reaches the sockets or the metrics cannot take more than is meant for one.
import { equal, ok } from 'node:assert/strict'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import type { PluginModule } from '../../../plugins/server/form/plugin-module.ts'
import { startMetricsServer } from '../../../plugins/server/process/metrics-server.ts'
import { hostOf } from '../../support/plugin-host.ts'
import { waitFor } from '../../support/wait-for.ts'

const FIXTURES = join(import.meta.dirname, '..', '..', 'fixtures', 'plugin-rpc')
const module = createRequire(import.meta.url)(join(FIXTURES, 'toy-a.cjs')) as PluginModule
const MIB = 2 ** 20

test('a message of more than 8 MiB ends its connection before it is kept, and no other', async () => {
  const { connect } = hostOf(module)
  const [bad, good] = [connect(), connect()]
  // [0, 1, a text of 4 GiB
  bad.socket.receive(Buffer.from('9400' + '01' + 'dbffffffff', 'hex'))
  for (let sent = 0; sent < 9 && !bad.socket.destroyed; sent++) bad.socket.receive(Buffer.alloc(MIB, 'a'))
  equal(bad.socket.destroyed, true)
  equal((await good.ask('StartInstance', { Name: 'toy-a', Config: '{}' })).error, null)
})

test('a peer that opens connections to the metrics and sends nothing has 64 of them at most', async () => {
  const server = await startMetricsServer({
    host: '127.0.0.1',
    port: 0,
    readMetrics: async () => 'up 1\n',
    readHealth: () => ({ isHealthy: true }),
  })
  const sockets: Socket[] = []
  try {
    const closed = new Set<Socket>()
    for (let opened = 0; opened < 80; opened++) {
      const socket = connect(server.port, '127.0.0.1')
      socket.resume().on('error', () => {})
      socket.on('close', () => closed.add(socket))
      sockets.push(socket)
      await once(socket, 'connect')
    }
    await waitFor(() => closed.size === 16, { what: 'those beyond 64 being closed' })
    sockets.find((socket) => !closed.has(socket))!.destroy()
    // Until the server has seen that one is gone, connections are closed without a word.
    const answered = async () =>
      (await fetch(`http://127.0.0.1:${server.port}/metrics`, { signal: AbortSignal.timeout(1_000) })).ok
    ok(await waitFor(answered, { what: 'an answer to somebody else' }))
  } finally {
    for (const socket of sockets) socket.destroy()
    await server.close()
  }
})
