// The page on a real operator, Consul and gateway: what is seen is so, and what is done there is done.
import { deepEqual, equal } from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { openPage, type WatchedPage } from '../support/browser.ts'
import { builtDashboard } from '../support/dashboard-stand-in.ts'
import { freePorts } from '../support/free-port.ts'
import { type Stack, startStack } from '../support/operator-stack.ts'
import { BASE_MS, jsonRequest, type SpanGiven } from '../support/otlp-spans.ts'
import { waitFor } from '../support/wait-for.ts'

let stack: Stack
let opened: WatchedPage
const folder = mkdtempSync(join(tmpdir(), 'kongsul-dashboard-'))

before(async () => {
  await builtDashboard(folder)
  const [admin = 0, api = 0] = await freePorts(2)
  stack = await startStack({ dashboard: folder, ports: { admin, api } })
  await stack.startOperator({ resync: { cron: '* * * * * *' } })
  for (const [id, port] of [
    ['web-1', 9801],
    ['web-2', 9802],
  ] as const) {
    await stack.consul.register({ Name: 'web', ID: id, Address: '127.0.0.1', Port: port })
  }
  await waitFor(async () => Object.keys(await stack.weights('web')).length === 2)
  await stack.settled()
  // Parts of the API that this operator does not have are told as such.
  opened = await openPage(`${stack.operator().url}/`, { mayFail: true })
})
after(async () => {
  await opened.close()
  await stack.stop()
  rmSync(folder, { recursive: true, force: true })
})

const algorithm = async () => (await stack.admin('GET', '/upstreams/web.mesh')).body.algorithm

test('a service of Consul is on the page, and one that comes is there without asking', async () => {
  const { page } = opened
  await page.getByRole('link', { name: 'web', exact: true }).first().waitFor()
  await page.getByText('Live').waitFor()
  await stack.consul.register({ Name: 'fresh', ID: 'fresh-1', Address: '127.0.0.1', Port: 9803 })
  await page.locator('table.services').getByRole('link', { name: 'fresh', exact: true }).waitFor()
})

test('an instance that turns critical is seen with its reason', async () => {
  const { page } = opened
  await stack.consul.register({
    Name: 'web',
    ID: 'web-2',
    Address: '127.0.0.1',
    Port: 9802,
    Check: { Name: 'alive', TTL: '1h', Status: 'critical' },
  })
  await page.evaluate("location.hash = '#/service/web'")
  const row = page.getByRole('row').filter({ hasText: 'web-2' })
  await row.getByText('Unhealthy').waitFor()
  equal(await row.locator('td.num').first().textContent(), '0', 'its weight')
  await page.getByRole('heading', { name: 'What the operator did' }).waitFor()
})

test('a setting is previewed as it would be in Kong, written nowhere before, and in Kong after', async () => {
  const { page } = opened
  await page.evaluate("location.hash = '#/configuration?service=web'")
  const form = page.getByRole('form', { name: 'Load balancing' })
  await form.getByLabel('Strategy').selectOption('least_connections')
  await form.getByRole('button', { name: 'Preview' }).click()
  await form.getByText('1 change in Kong').waitFor()
  deepEqual(
    [
      await form.locator('.diff del').first().textContent(),
      await form.locator('.diff ins').first().textContent(),
    ],
    ['round-robin', 'least-connections'],
  )
  equal(await algorithm(), 'round-robin')
  equal((await fetch(`${stack.consul.url}/v1/kv/mesh/services/web`)).status, 404)
  await form.getByRole('button', { name: 'Apply' }).click()
  await waitFor(async () => (await algorithm()) === 'least-connections', { what: 'Kong having it' })
  await page.getByText('mesh/services/web').first().waitFor()
})

test('weights of a canary are previewed, and in Consul and Kong after they were applied', async () => {
  const { page } = opened
  const entries = [
    { Kind: 'service-defaults', Name: 'web', Protocol: 'http' },
    {
      ...{ Kind: 'service-resolver', Name: 'web', DefaultSubset: 'one' },
      Subsets: { one: { Filter: 'Service.ID == "web-1"' }, two: { Filter: 'Service.ID == "web-2"' } },
    },
    {
      ...{ Kind: 'service-splitter', Name: 'web' },
      Splits: [
        { Weight: 90, ServiceSubset: 'one' },
        { Weight: 10, ServiceSubset: 'two' },
      ],
    },
  ]
  for (const entry of entries) await stack.consul.request('PUT', '/config', entry)
  await page.evaluate("location.hash = '#/configuration?service=web'")
  const form = page.getByRole('form', { name: 'Canary weights' })
  await form.getByLabel('web/two').fill('30')
  equal(await form.getByLabel('web/one').inputValue(), '70')
  await form.getByRole('button', { name: 'Preview' }).click()
  await form.getByRole('heading', { name: /in Kong/ }).waitFor()
  const weights = async () => {
    const entry = (await stack.consul.request('GET', '/config/service-splitter/web')) as {
      Splits: { Weight: number }[]
    }
    return entry.Splits.map(({ Weight }) => Weight)
  }
  deepEqual(await weights(), [90, 10], 'nothing is written before it was seen')
  await form.getByRole('button', { name: 'Apply' }).click()
  await waitFor(async () => (await weights())[1] === 30, { what: 'the weights in Consul' })
  await waitFor(async () => (await form.getByLabel('web/two').inputValue()) === '30', {
    what: 'the form showing them',
  })
  await stack.consul.request('DELETE', '/config/service-splitter/web')
})

test('what is called is in the graph, and a trace is found and opened, of spans that came in', async () => {
  const { page } = opened
  const startMs = Date.now() - BASE_MS
  const spans: SpanGiven[] = [
    { id: 1, service: 'kong', name: 'GET web', kind: 'server', startMs, ms: 30 },
    { id: 2, parent: 1, name: 'GET /cart', kind: 'server', startMs: startMs + 5, ms: 20, isError: true },
  ]
  const sent = await fetch(`${stack.operator().url}/v1/traces`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(jsonRequest(spans)),
  })
  equal(sent.status, 200)
  await page.evaluate("location.hash = '#/graph'")
  await page.locator('a.node[data-id="web"]').waitFor()
  await page.evaluate("location.hash = '#/traces?errors=1'")
  // Not the operation of that name, under where the time goes.
  await page.locator('a[href^="#/trace/"]', { hasText: 'GET web' }).first().click()
  await page.getByRole('button', { name: /^web GET \/cart.*error/ }).click()
  await page.getByRole('heading', { name: 'Resource' }).waitFor()
})

test('what the operator did is among its changes, with the difference', async () => {
  const { page } = opened
  await page.evaluate("location.hash = '#/changes?service=web'")
  await page
    .getByRole('button', { name: /^Show \d+ change/ })
    .first()
    .click()
  await page.locator('.diff .action').first().waitFor()
})

test('a value that is no good is refused by name, in the preview already', async () => {
  const { page } = opened
  await page.evaluate("location.hash = '#/configuration?service=web'")
  const form = page.getByRole('form', { name: 'Load balancing' })
  await form.getByLabel('Hash on').fill('nonsense:')
  await form.getByRole('button', { name: 'Preview' }).click()
  await form.getByText(/hash_on/).waitFor()
})

test('a field edited in Kong is listed, and given back to Consul from here', async () => {
  const { page } = opened
  await stack.admin('PATCH', '/services/mesh.web', { read_timeout: 1234 })
  await page.evaluate("location.hash = '#/overrides'")
  await page.getByRole('cell', { name: '1234' }).waitFor({ timeout: 20_000 })
  await page.getByRole('button', { name: 'Release read_timeout of mesh.web' }).click()
  await page.getByRole('button', { name: 'Give back' }).click()
  await page.getByText('None: Kong holds what Consul says.').waitFor()
  equal((await stack.admin('GET', '/services/mesh.web')).body.read_timeout, 60_000)
})

test('an operator that is started anew: disconnected meanwhile, live again by itself', async () => {
  const { page } = opened
  await stack.stopOperator()
  await page.keyboard.press('r')
  await page.getByText('Disconnected').first().waitFor()
  await stack.startOperator()
  await page.getByText('Live').waitFor({ timeout: 45_000 })
  equal(await page.getByText('Disconnected').count(), 0)
})

test('nothing was refused by the policy, left the origin or failed', () => {
  deepEqual(
    opened.faults.filter((fault) => !/net::ERR_/.test(fault)),
    [],
  )
})
