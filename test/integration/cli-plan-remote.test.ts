// `kongsul plan` from a machine that reaches the operator alone, not Consul and not Kong.
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { runKongsul } from '../support/kongsul-process.ts'
import { type Stack, startStack } from '../support/operator-stack.ts'
import { waitFor } from '../support/wait-for.ts'

let stack: Stack
let folder: string
/** Nothing listens there. */
const NOWHERE = { CONSUL_HTTP_ADDR: 'http://127.0.0.1:9', KONG_ADMIN_URL: 'http://127.0.0.1:9' }
before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'kongsul-plan-'))
  stack = await startStack({ ownGateway: true })
  await stack.startOperator()
  await stack.consul.register({ Name: 'web', ID: 'web-1', Address: '127.0.0.1', Port: 9400 })
  await waitFor(async () => Object.keys(await stack.weights('web')).length === 1)
  await stack.settled()
})
after(async () => {
  await stack.stop()
  rmSync(folder, { recursive: true, force: true })
})

const plan = (env: Record<string, string>, ...more: string[]) =>
  runKongsul(['plan', ...more], { ...NOWHERE, KONGSUL_ADDR: stack.operator().url, ...env })

test('nothing to do is exit code 0', async () => {
  const { code, stdout, stderr } = await plan({})
  deepEqual([code, stdout, stderr], [0, 'Nothing to do: Kong is as Consul says.\n', ''])
})

test('what somebody removed from Kong a moment ago is a change, exit code 2', async () => {
  // The operator is told nothing of it, and would not mend it before its next look.
  await stack.consul.request('PUT', '/kv/mesh/pause/web', { reason: 'test' })
  await waitFor(() => stack.operator().status().paused.length === 1)
  await stack.admin('DELETE', '/routes/mesh.web.path')
  const { code, stdout, stderr } = await plan({}, '-o', 'json')
  equal(code, 2, stderr)
  const report = JSON.parse(stdout)
  deepEqual(report.counts, { create: 1, update: 0, delete: 0 })
  deepEqual([report.changes[0].kind, report.changes[0].name], ['route', 'mesh.web.path'])
  match((await plan({})).stdout, /1 to create, 0 to update, 0 to delete\./)
  await stack.consul.deleteKey('mesh/pause/web')
})

test('the API answers the same, and refuses what it does not know', async () => {
  const answer = await fetch(`${stack.operator().url}/api/v1/mesh/v2/plan`)
  const report = (await answer.json()) as object
  deepEqual(Object.keys(report), ['inSync', 'counts', 'changes', 'overrides', 'problems', 'dbless', 'held'])
  equal((await fetch(`${stack.operator().url}/api/v1/mesh/v2/plan?x=1`)).status, 422)
})

test('the token of KONGSUL_TOKEN_FILE is sent, and a wrong one is told with the remedy', async () => {
  const seen: (string | undefined)[] = []
  const guard = http.createServer((request, response) => {
    seen.push(request.headers.authorization)
    const isRight = request.headers.authorization === 'Bearer right'
    response.statusCode = isRight ? 200 : 401
    if (!isRight) return void response.end('{"detail":"who are you?"}')
    http.get(`${stack.operator().url}${request.url}`, (answer) => answer.pipe(response))
  })
  await new Promise<void>((done) => guard.listen(0, '127.0.0.1', done))
  const address = { KONGSUL_ADDR: `http://127.0.0.1:${(guard.address() as AddressInfo).port}` }
  const tokenFile = join(folder, 'token')
  try {
    writeFileSync(tokenFile, 'right\n')
    const known = await plan({ ...address, KONGSUL_TOKEN_FILE: tokenFile })
    ok([0, 2].includes(known.code!), known.stderr)
    deepEqual(seen, ['Bearer right'])
    writeFileSync(tokenFile, 'wrong\n')
    const unknown = await plan({ ...address, KONGSUL_TOKEN_FILE: tokenFile })
    equal(unknown.code, 1)
    match(unknown.stderr, /401: who are you\?[\s\S]*KONGSUL_TOKEN_FILE/)
  } finally {
    guard.close()
  }
})

test('with the operator down Consul and Kong are read from here, and that is said', async () => {
  await waitFor(() => stack.operator().status().paused.length === 0)
  await stack.operator().resync()
  await stack.settled()
  const reach = { CONSUL_HTTP_ADDR: stack.consul.url, KONG_ADMIN_URL: stack.adminUrl }
  const options = ['--expose-default', 'all']
  const { code, stderr } = await plan({ ...reach, KONGSUL_ADDR: 'http://127.0.0.1:9' }, ...options)
  equal(code, 0, stderr)
  match(stderr, /no operator answers at http:\/\/127\.0\.0\.1:9: reading Consul and Kong directly/)
  match(stderr, /expose\.default is all here/)
})

test('an operator that cannot read Kong says so, and nothing else is tried', async () => {
  await stack.gateway.close()
  const { code, stderr } = await plan({})
  equal(code, 1)
  match(stderr, /503: Kong: /)
})
