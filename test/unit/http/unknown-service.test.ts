import assert from 'node:assert/strict'
import { test } from 'node:test'
import fastify from 'fastify'
import { dashboardRoute } from '../../../operator/http/dashboard-route.ts'
import { unknownService } from '../../../operator/http/unknown-service.ts'

test('a service that is not there is named, with the one that was most likely meant', () => {
  const known = ['web', 'payments', 'orders']
  assert.equal(unknownService('wbe', known).message, 'service wbe is not in the catalog; did you mean web?')
  assert.equal(
    unknownService('payment', known).message,
    'service payment is not in the catalog; did you mean payments?',
  )
  assert.equal(unknownService('nobody', known).message, 'service nobody is not in the catalog')
  assert.equal(unknownService('web', []).statusCode, 404)
})

test('one that the catalog has and the mesh has not is not said to be missing in the catalog', async () => {
  const app = fastify()
  const source = {
    isRead: () => true,
    dashboard: () => null,
    service: () => null,
    services: () => ['console'],
  }
  dashboardRoute(source)(app)
  const answer = await app.inject('/api/v1/mesh/v2/services/consul/metrics')
  await app.close()
  assert.equal(answer.statusCode, 404)
  assert.match(answer.body, /service consul is not in the mesh; did you mean console\?/)
})
