import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { directSocket, hasDirectSockets } from '../../../plugins/server/process/direct-socket.ts'
import { waitFor } from '../../support/wait-for.ts'

/** Both ends of a connection on a unix socket, ours as the worker has it. */
async function pair(t: TestContext): Promise<{ readonly ours: Socket; readonly peer: Socket }> {
  const folder = mkdtempSync(join(tmpdir(), 'kds-'))
  const server = createServer({ pauseOnConnect: true, allowHalfOpen: true })
  server.listen(join(folder, 's'))
  await once(server, 'listening')
  const peer = connect({ path: join(folder, 's'), allowHalfOpen: true })
  peer.on('error', () => {})
  const [accepted] = (await once(server, 'connection')) as [Socket]
  const ours = directSocket(accepted)
  ours.on('error', () => {})
  t.after(() => {
    ours.destroy()
    peer.destroy()
    server.close()
    rmSync(folder, { recursive: true, force: true })
  })
  return { ours, peer }
}

/** Everything that comes on `socket` from now on. */
function collect(socket: Socket): { text(): string; readonly hasEnded: () => boolean } {
  const pieces: Buffer[] = []
  let hasEnded = false
  socket.on('data', (bytes: Buffer) => pieces.push(Buffer.from(bytes))).on('end', () => (hasEnded = true))
  return { text: () => Buffer.concat(pieces).toString('latin1'), hasEnded: () => hasEnded }
}

test('this Node has what it takes', () => assert.ok(hasDirectSockets))

test('what two peers send at once does not mix, although one buffer reads it', async (t) => {
  const [a, b] = [await pair(t), await pair(t)]
  const [fromA, fromB] = [collect(a.ours), collect(b.ours)]
  for (let i = 0; i < 50; i++) {
    a.peer.write('a'.repeat(1_000))
    b.peer.write('b'.repeat(1_000))
  }
  await waitFor(() => fromA.text().length === 50_000 && fromB.text().length === 50_000, { what: 'all bytes' })
  assert.equal(fromA.text(), 'a'.repeat(50_000))
  assert.equal(fromB.text(), 'b'.repeat(50_000))
})

test('what a slow peer has not taken waits, keeps its order, and comes before the end', async (t) => {
  const { ours, peer } = await pair(t)
  const sent = Array.from({ length: 400 }, (_, i) => String(i).padStart(10_000, '.'))
  for (const text of sent) ours.write(Buffer.from(text))
  assert.ok(ours.writableLength > 1_000_000, `${ours.writableLength} bytes wait`)
  ours.end()
  const got = collect(peer)
  await waitFor(got.hasEnded, { what: 'the end' })
  assert.ok(got.text() === sent.join(''), 'in order and complete')
  await waitFor(() => ours.writableLength === 0, { what: 'nothing to wait' })
})

test('a peer that has ended still gets its answer', async (t) => {
  const { ours, peer } = await pair(t)
  const [asked, answered] = [collect(ours), collect(peer)]
  peer.end('question')
  await waitFor(asked.hasEnded, { what: 'the end of the question' })
  ours.write(Buffer.from('answer'))
  ours.end()
  await waitFor(answered.hasEnded, { what: 'the end of the answer' })
  assert.deepEqual([asked.text(), answered.text()], ['question', 'answer'])
})

test('a peer that goes away, with bytes waiting or not, closes the socket and nothing else', async (t) => {
  const [quiet, full] = [await pair(t), await pair(t)]
  let closed = 0
  for (const { ours } of [quiet, full]) ours.on('close', () => closed++).resume()
  quiet.ours.on('end', () => quiet.ours.end())
  full.ours.write(Buffer.alloc(4_000_000))
  quiet.peer.destroy()
  full.peer.destroy()
  await waitFor(() => closed === 2, { what: 'both closed' })
  assert.equal(full.ours.write(Buffer.from('more')), false)
})

test('a socket that is no stream of libuv, or has been read from, stays as it is', async (t) => {
  const { ours } = await pair(t)
  const fake = { _handle: {}, bytesRead: 0 } as unknown as Socket
  assert.equal(directSocket(fake), fake)
  assert.notEqual(ours.constructor.name, 'Socket')
})
