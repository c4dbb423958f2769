import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { test } from 'node:test'
import { listeningInodes, readPortOwner } from '../../../operator/cli/up/port-owner.ts'

const TABLE = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F40 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 111 1 0000000000000000 100 0 0 10 0
   1: 0100007F:1F40 0100007F:9C40 01 00000000:00000000 00:00000000 00000000  1000        0 222 1 0000000000000000 20 4 30 10 -1
   2: 0100007F:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 333 1 0000000000000000 100 0 0 10 0
`

test('only listening sockets of the port count', () => {
  assert.deepEqual(listeningInodes(TABLE, 8000), ['111'])
})

test('a port below 4096 is found by its padded form', () => {
  assert.deepEqual(listeningInodes(TABLE, 80), ['333'])
})

test('the owner of a port is this process when it listens', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const owner = await readPortOwner((server.address() as AddressInfo).port)
  server.close()
  assert.equal(owner?.pid, process.pid)
  assert.match(owner!.command, /node/)
})
