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

test('a value that is no good is refused by name, in the preview already', async () => {
  const { page } = opened
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
