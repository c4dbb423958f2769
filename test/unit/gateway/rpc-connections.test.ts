import { deepEqual } from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { pack } from '../../../kong/gateway/plugin-server/message-pack.ts'
import { RpcConnections } from '../../../kong/gateway/plugin-server/rpc-connections.ts'

test('an answer that came in time is taken by a process that was held up beyond the timeout', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'rpc-'))
  const path = join(folder, 's.sock')
  const server = net.createServer((socket) => {
    socket.on('data', () => {
      socket.write(pack([1, 1, null, 'here']))
      const until = performance.now() + 200
      while (performance.now() < until);
    })
  })
  await new Promise<void>((done) => server.listen(path, done))
  const connections = new RpcConnections(path, 100)
  try {
    deepEqual(await connections.call('m', []), { kind: 'result', result: 'here' })
  } finally {
    connections.close()
    server.close()
    rmSync(folder, { recursive: true })
  }
})
