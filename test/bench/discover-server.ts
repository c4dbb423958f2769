// What the bench sends requests to, in a process of its own: the operator's API with discover alone, or a bare server of
// Node's with the same answer. Tells its URL, and on every message how much CPU time it has used, in seconds.
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { DiscoveryCache } from '../../operator/api/discovery-cache.ts'
import type { Instance } from '../../operator/core/catalog.ts'
import { meshRoutes, readyDiscovery } from '../../operator/http/mesh-routes.ts'
import { bareApi } from '../support/bare-api.ts'

const INSTANCES: readonly Instance[] = Array.from({ length: 5 }, (_, at) => ({
  node: 'n1',
  id: `web-${at}`,
  address: `10.0.0.${at}`,
  port: 80,
  tags: ['blue'],
  meta: { zone: 'a' },
  weights: { passing: 1, warning: 1 },
  kind: '',
  checks: [],
}))
const discovery = new DiscoveryCache({
  watched: () => INSTANCES,
  isInDoubt: () => false,
  read: async () => INSTANCES,
  now: () => performance.now(),
  ttlMs: 3_600_000,
})
const answer = await discovery.discover('web', true)

process.send!({ url: process.argv[2] === 'bare' ? await bare() : await api() })
process.on('message', () => {
  const { user, system } = process.cpuUsage()
  process.send!({ cpuSeconds: (user + system) / 1e6 })
})
process.on('disconnect', () => process.exit())

async function api(): Promise<string> {
  const nothing = { services: () => null, topology: () => null, health: () => null }
  const { app } = bareApi({
    ready: readyDiscovery(discovery),
    parts: [meshRoutes({ ...nothing, discovery })],
  })
  return await app.listen({ host: '127.0.0.1', port: 0 })
}

async function bare(): Promise<string> {
  const headers = { 'content-type': 'application/json; charset=utf-8', 'content-length': answer.length }
  const server = createServer((_request, response) => response.writeHead(200, headers).end(answer))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
