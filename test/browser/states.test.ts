// What the page shows while there is no answer, none any more, an empty one, half of one.
import { deepEqual, equal, match, notEqual, ok } from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { NOT_READ_YET } from '../../operator/http/request-error.ts'
import { openPage, until, type WatchedPage } from '../support/browser.ts'
import { TRACE_ID } from '../support/dashboard-data.ts'
import { DashboardStandIn } from '../support/dashboard-stand-in.ts'
import { waitFor } from '../support/wait-for.ts'

let standIn: DashboardStandIn
before(async () => {
  standIn = await DashboardStandIn.start()
})
after(() => standIn.stop())

const SMALL = { services: 3 }
const BROKEN = { status: 503, message: NOT_READ_YET }

async function withPage(hash: string, use: (opened: WatchedPage) => Promise<void>): Promise<void> {
  const opened = await openPage(`${standIn.url}${hash}`, { mayFail: true })
  try {
    await use(opened)
    deepEqual(opened.faults, [])
  } finally {
    await opened.close()
  }
}

test('while the first answer is on its way it says so, and what is there is busy', async () => {
  standIn.showBut(SMALL, { dashboard: 'hang', status: 'hang' })
  await withPage('', async ({ page }) => {
    await page.getByRole('heading', { name: 'Reading the mesh' }).waitFor()
    await page.getByText('Connecting').waitFor()
    ok((await page.locator('[aria-busy="true"]').count()) > 0)
  })
})

const EVERY_PAGE = [
  '#/overview',
  '#/graph',
  '#/service/cart-api',
  '#/traces',
  `#/trace/${TRACE_ID}`,
  '#/changes',
  '#/configuration?service=cart-api',
  '#/overrides',
]
const PANELS = "document.querySelectorAll('section.panel').length"

test('on every page each panel says that it waits', async () => {
  standIn.answers = () => 'hang'
  await withPage('', async ({ page }) => {
    for (const hash of EVERY_PAGE) {
      await page.evaluate(`location.hash = ${JSON.stringify(hash)}`)
      const waiting = `document.querySelectorAll('section.panel[aria-busy="true"] .loading').length`
      await until(page, `${PANELS} > 0 && ${waiting} === ${PANELS}`)
    }
    const moves = () =>
      page.evaluate<string>("getComputedStyle(document.querySelector('.loading i')).animationName")
    equal(await moves(), 'none', 'for those who want nothing to move')
    await page.emulateMedia({ reducedMotion: 'no-preference' })
    notEqual(await moves(), 'none')
  })
})

test('on every page each panel says why there is no answer, and offers to try again', async () => {
  standIn.answers = () => BROKEN
  await withPage('', async ({ page }) => {
    for (const hash of EVERY_PAGE) {
      await page.evaluate(`location.hash = ${JSON.stringify(hash)}`)
      const told = `[...document.querySelectorAll('section.panel')].filter((panel) =>
        panel.textContent.includes(${JSON.stringify(BROKEN.message)}) &&
        [...panel.querySelectorAll('button')].some((each) => each.textContent === 'Try again')).length`
      await until(page, `${PANELS} > 0 && ${told} === ${PANELS}`)
    }
  })
})

test('on every page each panel keeps what it knew, and says that it is stale', async () => {
  standIn.show(SMALL)
  const whole = standIn.answers
  await withPage('', async ({ page }) => {
    for (const hash of EVERY_PAGE) {
      await page.evaluate(`location.hash = ${JSON.stringify(hash)}`)
      await until(
        page,
        `${PANELS} > 0 && document.querySelector('main [aria-busy="true"], main .note-warn') === null`,
      )
      standIn.answers = () => BROKEN
      const stale = `[...document.querySelectorAll('section.panel')].filter((panel) =>
        panel.textContent.includes('Stale: as it was at')).length`
      const isStale = async () => {
        // What is being read already is not read once more: its answer may be from before.
        await page.keyboard.press('r')
        return await page.evaluate(`${stale} === ${PANELS}`)
      }
      await waitFor(isStale, { pollMs: 100, what: `every panel of ${hash} being stale` })
      standIn.answers = whole
      await page.keyboard.press('r')
    }
  })
})

test('without a stream of events everything is read again by the clock, and the page says so', async () => {
  standIn.show(SMALL)
  standIn.hasStream = false
  await withPage('', async ({ page }) => {
    await page.getByText('Polling').waitFor()
    await page.getByRole('heading', { name: 'The mesh is healthy' }).waitFor()
    standIn.show({ services: 4 })
    await until(page, `document.querySelectorAll('table.services tbody tr').length === 4`)
  })
  standIn.hasStream = true
})

test('an empty mesh is no healthy one: the page says what to do next', async () => {
  standIn.show({ services: 0 })
  await withPage('', async ({ page }) => {
    await page.getByRole('heading', { name: 'Nothing to judge' }).waitFor()
    await page.getByText('No service is registered in Consul yet').waitFor()
    await page.getByText('kongsul register').first().waitFor()
  })
})

test('what nobody calls is idle, not healthy', async () => {
  standIn.showBut(SMALL, {})
  const whole = standIn.answers
  standIn.answers = (path, query, body) => {
    const answer = whole(path, query, body) as { mesh_metrics: object; services: Record<string, object> }
    if (path !== 'dashboard') return answer
    const services = Object.fromEntries(
      Object.entries(answer.services).map(([name, each]) => [
        name,
        { ...each, request_rate: 0, error_rate: 0 },
      ]),
    )
    return { ...answer, services, mesh_metrics: { ...answer.mesh_metrics, request_rate: 0 } }
  }
  await withPage('', async ({ page }) => {
    await page.getByRole('heading', { name: 'The mesh is idle' }).waitFor()
    equal(await page.locator('table.services').getByText('Idle').count(), 3)
    equal(
      await page.locator('table.services').getByText('Healthy', { exact: true }).count(),
      1,
      'the head alone',
    )
  })
})

test('an error is told with its reason, and trying again helps', async () => {
  standIn.showBut(SMALL, { dashboard: BROKEN })
  await withPage('', async ({ page }) => {
    await page.getByText(BROKEN.message).first().waitFor()
    standIn.show(SMALL)
    await page.getByRole('button', { name: 'Try again' }).first().click()
    await page.getByRole('heading', { name: 'The mesh is healthy' }).waitFor()
  })
})

test('what was there stays when answers fail, marked as stale', async () => {
  standIn.show(SMALL)
  await withPage('', async ({ page }) => {
    await page.getByRole('heading', { name: 'The mesh is healthy' }).waitFor()
    standIn.showBut(SMALL, { dashboard: BROKEN })
    await page.keyboard.press('r')
    await page
      .getByText(/Stale: as it was at/)
      .first()
      .waitFor()
    await page.getByText('No answer').waitFor()
    equal(await page.locator('table.services tbody tr').count(), 3)
  })
})

test('an operator that counts no requests still shows health, and says what is missing', async () => {
  const absent = { status: 404, message: 'GET /api/v1/mesh/v2/dashboard does not exist' }
  standIn.showBut(SMALL, {
    dashboard: absent,
    services: {
      services: [{ service_name: 'web', total: 2, healthy: 1, degraded: 0, unhealthy: 1, exposed: true }],
      total: 1,
    },
    topology: { services: {}, service_circuits: {}, dependencies: { web: ['web-2'] } },
  })
  await withPage('', async ({ page }) => {
    await page.getByText('1 of 2 instances healthy').waitFor()
    await page.getByText(/Not all of it: this operator judges no alerts/).waitFor()
    await page.getByText('This operator keeps no history of requests.').waitFor()
  })
})

test('a panel whose part of the API is absent says so, and the others are there', async () => {
  standIn.showBut(SMALL, { traces: { status: 404, message: 'GET /traces does not exist' } })
  await withPage('#/service/cart-api', async ({ page }) => {
    await page.getByText('Not available').first().waitFor()
    await page.getByText('GET /traces does not exist').waitFor()
    await page.getByText('2 of 2 checks passing').first().waitFor()
  })
})

test('an operator that goes away and comes back: disconnected, then live, from the last event on', async () => {
  standIn.show(SMALL)
  await withPage('', async ({ page, faults }) => {
    await page.getByText('Live').waitFor()
    standIn.push('health', {
      service_name: 'cart-api',
      instance_id: 'cart-api-1',
      from: 'healthy',
      to: 'unhealthy',
    })
    await page.getByText('cart-api-1 healthy → unhealthy').waitFor()
    await standIn.down()
    await page.keyboard.press('r')
    await page.getByText('Disconnected').first().waitFor()
    equal(await page.locator('table.services tbody tr').count(), 3, 'what is known stays')
    const streams = standIn.streams.length
    await standIn.listen()
    // That it comes back by itself, however long that takes, is seen on a real operator: here the browser says that it is online.
    await page.evaluate("dispatchEvent(new Event('online'))")
    await page.getByText('Live').waitFor({ timeout: 45_000 })
    equal(standIn.streams[streams], String(standIn.lastId))
    faults.splice(0, faults.length, ...faults.filter((fault) => !/net::ERR_/.test(fault)))
  })
})

test('one stream for a tab; none while it is hidden, and nothing is read', async () => {
  standIn.show(SMALL)
  await waitFor(() => standIn.listeners === 0, { what: 'the end of streams of pages before' })
  await withPage('', async ({ page }) => {
    await page.getByText('Live').waitFor()
    equal(standIn.listeners, 1)
    const hide = (isHidden: boolean) =>
      page.evaluate(`
        Object.defineProperty(document, 'hidden', { configurable: true, value: ${isHidden} })
        document.dispatchEvent(new Event('visibilitychange'))`)
    await hide(true)
    await waitFor(() => standIn.listeners === 0, { what: 'the end of the stream' })
    const asked = standIn.asked.length
    standIn.push('health', { service_name: 'cart-api', instance_id: 'x', from: null, to: 'healthy' })
    await page.evaluate(() => new Promise((done) => setTimeout(done, 1_500)))
    equal(standIn.asked.length, asked)
    await hide(false)
    await page.getByText('Live').waitFor()
    equal(standIn.listeners, 1)
  })
})

test('an alert that begins to fire is told to screen readers and in the title', async () => {
  standIn.show({ services: 4 })
  await withPage('', async ({ page }) => {
    await page.getByRole('heading', { name: 'The mesh is healthy' }).waitFor()
    standIn.show({ services: 4, failingEvery: 4 })
    standIn.push('alert', { code: 'MeshServiceDown', what: 'raised', severity: 'critical', message: 'down' })
    await page.getByRole('heading', { name: 'Something is failing' }).waitFor()
    match((await page.locator('[aria-live="polite"]').textContent()) ?? '', /critical alert: 0 of/)
    match(await page.title(), /^\(1\) kongsul$/)
  })
})
