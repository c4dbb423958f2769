// Everything without a mouse.
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { openPage, until, type WatchedPage } from '../support/browser.ts'
import { nameOf, TRACE_ID } from '../support/dashboard-data.ts'
import { DashboardStandIn } from '../support/dashboard-stand-in.ts'

let standIn: DashboardStandIn
let opened: WatchedPage
before(async () => {
  standIn = await DashboardStandIn.start()
  standIn.show({ services: 12 })
  opened = await openPage(standIn.url)
})
beforeEach(async () => {
  await opened.page.evaluate("location.hash = '#/overview'")
  await opened.page.locator('table.services').waitFor()
  await opened.page.evaluate('document.activeElement.blur()')
})
after(async () => {
  deepEqual(opened.faults, [])
  await opened.close()
  await standIn.stop()
})

const focused = () => opened.page.evaluate<string>("document.activeElement?.outerHTML ?? ''")

test('/ finds a service: typed, chosen with an arrow, opened with Enter', async () => {
  const { page } = opened
  await page.keyboard.press('/')
  await page.keyboard.type('api')
  await page.locator('#search-found li').first().waitFor()
  await page.keyboard.press('ArrowDown')
  const name = await page.locator('#search-found [aria-selected="true"]').textContent()
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: name ?? '', exact: true }).waitFor()
  match(page.url(), new RegExp(`#/service/${name}$`))
})

test('/ takes the id of a trace, too', async () => {
  const { page } = opened
  await page.keyboard.press('/')
  await page.keyboard.type(TRACE_ID)
  await page.keyboard.press('Enter')
  await page.getByText('critical path').waitFor()
})

test('? helps, Escape closes it, and the focus is back where it was', async () => {
  const { page } = opened
  await page.getByRole('link', { name: 'Traces' }).focus()
  await page.keyboard.press('?')
  await page.getByRole('dialog', { name: 'Help' }).waitFor()
  await page.keyboard.press('Escape')
  await page.getByRole('dialog').waitFor({ state: 'detached' })
  match(await focused(), /#\/traces/)
})

test('g and a letter goes to a page', async () => {
  const { page } = opened
  for (const [key, heading] of [
    ['t', 'Traces'],
    ['c', 'Changes'],
    ['s', 'Configuration'],
    ['v', 'Overrides'],
  ] as const) {
    await page.keyboard.press('g')
    await page.keyboard.press(key)
    await page.getByRole('heading', { name: heading, exact: true }).waitFor()
  }
})

test('the first Tab offers to skip what is on every page', async () => {
  const { page } = opened
  await page.reload()
  await page.locator('table.services').waitFor()
  await page.keyboard.press('Tab')
  match(await focused(), /class="skip"/)
  await page.keyboard.press('Enter')
  match(await focused(), /^<main/)
})

test('in the graph arrows go from node to node, Enter opens one', async () => {
  const { page } = opened
  await page.keyboard.press('g')
  await page.keyboard.press('g')
  await page.locator('a.node').first().waitFor()
  equal(await page.locator('a.node[tabindex="0"]').count(), 1, 'one stop for Tab')
  await page.locator('a.node[tabindex="0"]').focus()
  const first = await page.evaluate<string>('document.activeElement.dataset.id')
  await page.keyboard.press('ArrowLeft')
  const second = await page.evaluate<string>('document.activeElement.dataset.id')
  ok(second !== undefined && second !== first)
  await page.keyboard.press('f')
  await page.locator(`a.node-focus[data-id="${second}"]`).waitFor()
  await page.locator(`a.node[data-id="${second}"]`).focus()
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: second, exact: true }).waitFor()
})

test('a chart is read sample by sample with arrows, and all of them at the same time', async () => {
  const { page } = opened
  const chart = page.getByRole('slider', { name: /^Requests a second: now/ })
  await chart.focus()
  const newest = await chart.getAttribute('aria-valuetext')
  match(newest ?? '', /^\d\d:\d\d:\d\d \d+\/s$/)
  await page.keyboard.press('Home')
  await until(page, "document.activeElement.getAttribute('aria-valuenow') === '0'")
  const oldest = await chart.getAttribute('aria-valuetext')
  ok(oldest !== newest)
  equal(await page.locator('.chart-cursor').count(), 3)
  await page.keyboard.press('Escape')
  await until(page, "document.querySelectorAll('.chart-cursor').length === 0")
})

test('what charts show is in a table as well, the newest sample first', async () => {
  const { page } = opened
  await page.getByRole('button', { name: 'Table', exact: true }).focus()
  await page.keyboard.press('Enter')
  const times = page.getByRole('region', { name: 'Table of samples' }).locator('tbody th')
  await times.first().waitFor()
  const shown = await times.allTextContents()
  equal(shown.length, 20)
  deepEqual(shown, shown.toSorted().reverse())
  match(page.url(), /history=table/)
})

test('weights of a canary are changed by keys: the other leg gets the rest, and it is written over what was read', async () => {
  const { page } = opened
  const bodies: unknown[] = []
  const whole = standIn.answers
  standIn.answers = (path, query, body) => {
    if (path !== 'POST configure/split') return whole(path, query, body)
    bodies.push([query.get('preview'), body])
    const field = { field: 'weight', from: 1000, to: 2500 }
    const change = { action: 'update', kind: 'target', id: 't', name: '10.0.0.1:80', fields: [field] }
    return { status: 'preview', changes: [{ service: nameOf(0), ...change }], total: 1 }
  }
  await page.evaluate(`location.hash = '#/configuration?service=${nameOf(0)}'`)
  const form = page.getByRole('form', { name: 'Canary weights' })
  await form.getByLabel(`${nameOf(0)}/v2`).focus()
  await page.keyboard.press('Control+A')
  await page.keyboard.type('25')
  equal(await form.getByLabel(`${nameOf(0)}/v1`).inputValue(), '75')
  await page.keyboard.press('Enter')
  await form.getByText('1 change in Kong').waitFor()
  await form.getByRole('button', { name: 'Apply' }).focus()
  await page.keyboard.press('Enter')
  await form.getByRole('button', { name: 'Apply' }).waitFor({ state: 'detached' })
  const legs = [
    { service: nameOf(0), subset: 'v1', weight: 75 },
    { service: nameOf(0), subset: 'v2', weight: 25 },
  ]
  const body = { service: nameOf(0), index: 12, legs }
  deepEqual(bodies, [
    ['true', body],
    [null, body],
  ])
  standIn.answers = whole
})

test('a span is opened with Enter, its children folded and unfolded with arrows', async () => {
  const { page } = opened
  await page.evaluate(`location.hash = '#/trace/${TRACE_ID}'`)
  const spans = page.locator('.span-button')
  await spans.first().waitFor()
  equal(await spans.count(), 3)
  await spans.first().focus()
  await page.keyboard.press('ArrowLeft')
  equal(await spans.count(), 1)
  await page.keyboard.press('ArrowRight')
  equal(await spans.count(), 3)
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: 'Attributes' }).waitFor()
})

test('a setting is changed by keys alone: seen as a preview first, then written', async () => {
  const { page } = opened
  const bodies: unknown[] = []
  const whole = standIn.answers
  standIn.answers = (path, query, body) => {
    if (path !== 'POST configure/load-balancer') return whole(path, query, body)
    bodies.push([query.get('preview'), body])
    if (query.get('preview') !== 'true') return { status: 'configured', strategy: 'random' }
    const field = { field: 'algorithm', from: 'round-robin', to: 'consistent-hashing' }
    const change = { action: 'update', kind: 'upstream', id: 'u', name: 'cart-api.mesh', fields: [field] }
    return { status: 'preview', changes: [{ service: nameOf(0), ...change }], total: 1 }
  }
  await page.evaluate(`location.hash = '#/configuration?service=${nameOf(0)}'`)
  const form = page.getByRole('form', { name: 'Load balancing' })
  await form.getByLabel('Strategy').focus()
  await page.keyboard.type('ran')
  await form.getByRole('button', { name: 'Preview' }).focus()
  await page.keyboard.press('Enter')
  await form.getByText('consistent-hashing').waitFor()
  await form.getByRole('button', { name: 'Apply' }).focus()
  await page.keyboard.press('Enter')
  await form.getByRole('button', { name: 'Apply' }).waitFor({ state: 'detached' })
  const body = { strategy: 'random', service: nameOf(0) }
  deepEqual(bodies, [
    ['true', body],
    [null, body],
  ])
  standIn.answers = whole
})
