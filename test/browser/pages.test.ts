// Every page in both themes, on a desk, on a phone and at 200 %: nothing for axe to find, nothing cut off, nothing refused.
import { deepEqual, equal, ok } from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { axeViolations, openPage, until, type WatchedPage } from '../support/browser.ts'
import { nameOf, TRACE_ID } from '../support/dashboard-data.ts'
import { DashboardStandIn } from '../support/dashboard-stand-in.ts'

const PAGES: readonly (readonly [name: string, hash: string, text: string])[] = [
  ['overview', '#/overview', 'Something is failing'],
  ['graph', '#/graph', 'login-worker'],
  ['graph as a table', '#/graph?view=table', 'Callee'],
  ['service', `#/service/${nameOf(9)}`, 'Routes and circuit'],
  ['traces', '#/traces', 'Where the time goes'],
  ['trace', `#/trace/${TRACE_ID}?span=03`, 'connection refused'],
  ['changes', '#/changes', 'Failed only'],
  ['configuration', `#/configuration?service=${nameOf(0)}`, 'Load balancing'],
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

for (const scheme of ['light', 'dark'] as const) {
  for (const [name, hash, text] of PAGES) {
    test(`axe finds nothing on the page ${name} in ${scheme}`, async () => {
      await opened.page.emulateMedia({ colorScheme: scheme })
      await show(hash, text)
      deepEqual(await axeViolations(opened.page), [])
    })
  }
}

test('no page is wider than a phone, and axe finds nothing on it there', async () => {
  await opened.page.emulateMedia({ colorScheme: 'light' })
  await opened.page.setViewportSize({ width: 360, height: 740 })
  for (const [name, hash, text] of PAGES) {
    await show(hash, text)
    equal(await isCutOff(), false, `${name} is cut off`)
    if (name === 'overview' || name === 'service') deepEqual(await axeViolations(opened.page), [], name)
  }
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
