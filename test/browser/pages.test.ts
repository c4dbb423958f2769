// Every page in both themes, on a desk, on a phone and at 200 %: nothing for axe to find, nothing cut off, nothing refused.
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { axeViolations, openPage, until, type WatchedPage } from '../support/browser.ts'
import { nameOf, TRACE_ID } from '../support/dashboard-data.ts'
import { DashboardStandIn } from '../support/dashboard-stand-in.ts'

const PAGES: readonly (readonly [name: string, hash: string, text: string])[] = [
  ['overview', '#/overview', 'Something is failing'],
  ['history as a table', '#/overview?history=table', 'Time'],
  ['graph', '#/graph', 'login-worker'],
  ['graph as a table', '#/graph?view=table', 'Callee'],
  ['service', `#/service/${nameOf(9)}`, 'Routes and circuit'],
  ['traces', '#/traces', 'Where the time goes'],
  ['trace', `#/trace/${TRACE_ID}?span=03`, 'connection refused'],
  ['changes', '#/changes', 'Failed only'],
  ['configuration', `#/configuration?service=${nameOf(0)}`, 'together 100 %'],
  ['overrides', '#/overrides', 'read_timeout'],
]

let standIn: DashboardStandIn
let opened: WatchedPage

before(async () => {
  standIn = await DashboardStandIn.start()
  standIn.show({ services: 30, failingEvery: 10 })
  opened = await openPage(standIn.url)
})
after(async () => {
  await opened.close()
  await standIn.stop()
})

async function show(hash: string, text: string): Promise<void> {
  await opened.page.evaluate(`location.hash = ${JSON.stringify(hash)}`)
  await opened.page.getByText(text).first().waitFor()
  // What is still read belongs to the page as well.
  await until(opened.page, `document.querySelector('[aria-busy="true"]') === null`)
}

const IS_CUT_OFF = 'document.documentElement.scrollWidth > innerWidth'
const isCutOff = () => opened.page.evaluate<boolean>(IS_CUT_OFF)

for (const [name, hash, text] of PAGES) {
  test(`axe finds nothing on the page ${name}, in light nor in dark`, async () => {
    await opened.page.emulateMedia({ colorScheme: 'light' })
    await show(hash, text)
    deepEqual(await axeViolations(opened.page), [])
    await opened.page.emulateMedia({ colorScheme: 'dark' })
    await until(opened.page, "document.documentElement.dataset.theme === 'dark'")
    // Nothing but colours is another in the dark.
    deepEqual(await axeViolations(opened.page, ['color-contrast']), [])
  })
}

test('state is told by icon and word, never by colour alone, on every page', async () => {
  for (const [name, hash, text] of PAGES) {
    await show(hash, text)
    const bare = await opened.page.evaluate<string[]>(`[...document.querySelectorAll('.state')]
      .filter((each) => each.querySelector('svg.icon') === null || each.textContent.trim() === '')
      .map((each) => each.outerHTML)`)
    deepEqual(bare, [], name)
  }
})

test('how long traces are kept is beside those that were found', async () => {
  await show('#/traces', 'Where the time goes')
  await opened.page.getByText(/· kept for 7\smin/).waitFor()
})

test('a span of the gateway leads to its traces, one of a service to that service', async () => {
  for (const [span, name, leads] of [
    ['01', 'kong', '#/traces?service=kong'],
    ['02', nameOf(1), `#/service/${nameOf(1)}`],
  ] as const) {
    await show(`#/trace/${TRACE_ID}?span=${span}`, 'Resource')
    const link = opened.page.locator('.span-details').getByRole('link', { name, exact: true })
    await until(
      opened.page,
      `document.querySelector('.span-details a')?.textContent === ${JSON.stringify(name)}`,
    )
    equal(await link.getAttribute('href'), leads)
  }
})

test('calls are sorted by any column of their table, and the address says by which', async () => {
  await show('#/graph?view=table', 'Callee')
  await opened.page.getByRole('button', { name: 'Caller' }).click()
  await until(opened.page, "document.querySelector('th[aria-sort=ascending]') !== null")
  const callers = await opened.page.locator('tbody th[scope="row"]').allTextContents()
  ok(callers.length > 10)
  deepEqual(callers, callers.toSorted())
  match(opened.page.url(), /sort=caller/)
})

test('no page is wider than a phone, and axe finds nothing on it there', async () => {
  await opened.page.emulateMedia({ colorScheme: 'light' })
  await opened.page.setViewportSize({ width: 360, height: 740 })
  for (const [name, hash, text] of PAGES) {
    await show(hash, text)
    equal(await isCutOff(), false, `${name} is cut off`)
    if (name === 'overview' || name === 'service') deepEqual(await axeViolations(opened.page), [], name)
  }
})

test('how old the numbers are is seen on a phone, too', async () => {
  await show('#/overview', 'Something is failing')
  const age = opened.page.locator('.fresh-age')
  equal(await age.isVisible(), true)
  match((await age.textContent()) ?? '', /^ · updated \d+\ss ago$/)
  equal(await age.locator('.where-wide').first().isVisible(), false)
})

test('at 200 % no page is cut off', async () => {
  // What a window of 1280 px has left for the page then.
  await opened.page.setViewportSize({ width: 640, height: 400 })
  for (const [name, hash, text] of PAGES) {
    await show(hash, text)
    equal(await isCutOff(), false, `${name} is cut off`)
  }
  await opened.page.setViewportSize({ width: 1280, height: 800 })
})

test('long names are broken, not cut off', async () => {
  const name = `a-${'very-'.repeat(30)}long-name`
  const phone = { width: 360, height: 740 }
  const fresh = await openPage(`${standIn.url}#/service/${name}`, { mayFail: true, viewport: phone })
  await fresh.page.getByText('Consul knows no service of this name').waitFor()
  equal(await fresh.page.evaluate(IS_CUT_OFF), false)
  await fresh.close()
})

test('a link to a page shows that page in that state', async () => {
  const fresh = await openPage(`${standIn.url}#/overview?find=cart&sort=name&range=1h`)
  await fresh.page
    .getByRole('link', { name: nameOf(0), exact: true })
    .first()
    .waitFor()
  const names = await fresh.page.locator('table.services tbody th').allTextContents()
  ok(names.length >= 3)
  deepEqual(names, names.filter((name) => name.includes('cart')).toSorted())
  equal(await fresh.page.getByRole('combobox', { name: /look back/i }).inputValue(), '1h')
  deepEqual(fresh.faults, [])
  await fresh.close()
})

test('nothing was refused by the policy, left the origin or failed on any page', () => {
  deepEqual(opened.faults, [])
})
