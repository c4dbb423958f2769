import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { test } from 'node:test'
import { isFree } from '../../../operator/cli/up/free-ports.ts'
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

const UDP_TABLE = `   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
  11: 0100007F:1414 00000000:0000 07 00000000:00000000 00:00000000 00000000  1000        0 444 2 0000000000000000 0
  12: 0100007F:1414 0100007F:0035 01 00000000:00000000 00:00000000 00000000  1000        0 555 2 0000000000000000 0
`

test('of UDP sockets those that are bound and not connected count', () => {
  assert.deepEqual(listeningInodes(UDP_TABLE, 5140, 'udp'), ['444'])
})

test('the owner of a UDP port is this process when it has bound it, and it is not free', async () => {
  const socket = createSocket('udp4')
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const { port } = socket.address()
  const owner = await readPortOwner(port, 'udp')
  const whileBound = [await isFree(port, 'udp'), await isFree(port)]
  socket.close()
  assert.equal(owner?.pid, process.pid)
  assert.deepEqual(whileBound, [false, true])
})

test('the owner of a port is this process when it listens', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const owner = await readPortOwner((server.address() as AddressInfo).port)
  server.close()
  assert.equal(owner?.pid, process.pid)
  assert.match(owner!.command, /node/)
})
