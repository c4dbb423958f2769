import { deepEqual, equal } from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { answerSuccessor, askPredecessor } from '../../../operator/leader/ask-predecessor.ts'

async function serve(t: TestContext, handle: RequestListener): Promise<string> {
  const server = createServer(handle).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

test('an operator that is asked stops, says so and counts as gone', async (t) => {
  let asked = 0
  const address = await serve(t, (request, response) => {
    const headers = answerSuccessor(request.headers, () => {
      asked += 1
    })
    response.writeHead(200, headers).end()
  })
  equal(await askPredecessor(address, 2000), 'gone')
  equal(asked, 1)
})

test("Consul's own probe makes nobody stop", () => {
  let asked = 0
  const stepBack = () => {
    asked += 1
  }
  deepEqual(answerSuccessor({ 'user-agent': 'Consul Health Check' }, stepBack), {})
  equal(asked, 0)
})

test('an address where nothing listens counts as gone', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  equal(await askPredecessor(`127.0.0.1:${port}`, 2000), 'gone')
})

test('an answer of something else is no proof', async (t) => {
  equal(await askPredecessor(await serve(t, (_request, response) => response.end('ok')), 2000), 'unknown')
})

test('silence is no proof', async (t) => {
  equal(await askPredecessor(await serve(t, () => {}), 100), 'unknown')
})
