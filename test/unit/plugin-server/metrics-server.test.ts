import { equal } from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test } from 'node:test'
import { startMetricsServer } from '../../../plugins/server/process/metrics-server.ts'
import { waitFor } from '../../support/wait-for.ts'

test('64 connections at a time are taken; one more is ended', async () => {
  const server = await startMetricsServer({
    ...{ host: '127.0.0.1', port: 0 },
    readMetrics: async () => 'a 1\n',
    readHealth: () => ({ isHealthy: true }),
  })
  const open = async () => {
    const socket = connect(server.port, '127.0.0.1').on('error', () => {})
    await once(socket, 'connect')
    return socket
  }
  const sockets = await Promise.all(Array.from({ length: 64 }, open))
  try {
    const [first] = sockets
    first!.write('GET /metrics HTTP/1.1\r\nhost: a\r\n\r\n')
    const [answer] = (await once(first!, 'data')) as [Buffer]
    equal(answer.toString().split('\r\n')[0], 'HTTP/1.1 200 OK')
    const beyond = await open()
    await once(beyond.resume(), 'close')
    first!.destroy()
    const again = async () => (await fetch(`http://127.0.0.1:${server.port}/metrics`)).ok
    await waitFor(again, { what: 'the next one being taken' })
  } finally {
    for (const socket of sockets) socket.destroy()
    await server.close()
  }
})
