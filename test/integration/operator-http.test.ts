import { deepEqual, equal, match, ok } from 'node:assert/strict'
import http from 'node:http'
import { after, before, test } from 'node:test'
import { type Stack, startStack } from '../support/operator-stack.ts'
import { waitFor } from '../support/wait-for.ts'

let stack: Stack
before(async () => {
  stack = await startStack()
  await stack.startOperator()
  await stack.consul.register({ Name: 'web', ID: 'web-1', Address: '127.0.0.1', Port: 9301 })
  await waitFor(async () => Object.keys(await stack.weights('web')).length === 1)
  await stack.settled()
})
after(() => stack.stop())

const get = (path: string, headers: Record<string, string> = {}) =>
  new Promise<{ status: number; text: string }>((resolve, reject) => {
    const request = http.get(`${stack.operator().url}${path}`, { headers }, (response) => {
      let text = ''
      response.on('data', (chunk) => {
        text += chunk
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }))
    })
    request.on('error', reject)
  })

test('/healthz and /readyz answer 200 once everything is in Kong', async () => {
  equal((await get('/healthz')).status, 200)
  equal((await get('/readyz')).status, 200)
})

test('the status names services, instances with target and reason, and both connections', async () => {
  const status = JSON.parse((await get('/api/v1/mesh/v2/status')).text)
  const web = status.services.find((each: { service: string }) => each.service === 'web')
  equal(web.state, 'in_sync')
  equal(web.instances[0].target, '127.0.0.1:9301')
  ok(web.instances[0].reason.length > 0)
  deepEqual([status.consul.connected, status.kong.connected, status.kong.version], [true, true, '3.9.1'])
})

test('/metrics counts reconciliations, changes by kind and the lag', async () => {
  const { text } = await get('/metrics')
  match(text, /mesh_changes_total\{kind="target",action="create"\} [1-9]/)
  match(text, /mesh_sync_lag_seconds_count [1-9]/)
  match(text, /mesh_kong_connected 1/)
})

test('/metrics has the sync itself: outcomes, queue, held, overrides, problems, leader, from the start', async () => {
  const { text } = await get('/metrics')
  const series = [
    /^mesh_reconcile_total\{[^}]*\} \d+$/m,
    /^mesh_queue \d+$/m,
    /^mesh_held_removals 0$/m,
    /^mesh_held_weights 0$/m,
    /^mesh_overrides 0$/m,
    /^mesh_settings_refused 0$/m,
    /^mesh_leader 1$/m,
    /^mesh_consul_connected 1$/m,
  ]
  deepEqual(
    series.filter((line) => !line.test(text)),
    [],
  )
})

test('a Host that is no loopback name is answered 421 in the shape of every error', async () => {
  const { status, text } = await get('/api/v1/mesh/v2/status', { host: 'evil.example' })
  equal(status, 421)
  const { error, detail } = JSON.parse(text)
  equal(error.message, detail)
})

test('an unknown path is 404 in the same shape', async () => {
  const { status, text } = await get('/api/v1/mesh/v2/nothing')
  equal(status, 404)
  equal(JSON.parse(text).error.code, 'not_found')
})

test('/readyz says why when Consul is away', async () => {
  await stack.consul.kill()
  const answer = await waitFor(async () => {
    const got = await get('/readyz')
    return got.status === 503 ? got : null
  })
  match(JSON.parse(answer.text).reasons.join(), /Consul/)
  equal((await get('/healthz')).status, 200)
})
