// What services send is text; what people type in stays here.
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { openPage, until } from '../support/browser.ts'
import { TRACE_ID, traceOf } from '../support/dashboard-data.ts'
import { DashboardStandIn } from '../support/dashboard-stand-in.ts'

const EVIL = `<img src=x onerror="document.title='owned'"><script>document.title='owned'</script>`

let standIn: DashboardStandIn
before(async () => {
  standIn = await DashboardStandIn.start()
})
after(() => standIn.stop())

/** A mesh one of whose services has this name, in every answer. */
function showNamed(name: string): void {
  standIn.show({ services: 3, failingEvery: 3 })
  const whole = standIn.answers
  standIn.answers = (path, query, body) => {
    const answer = whole(path, query, body)
    if (path === `traces/${TRACE_ID}`)
      return traceOf(Date.now(), { [EVIL]: EVIL, 'url.full': 'javascript:alert(1)' })
    const text = JSON.stringify(answer)
    return answer === undefined
      ? undefined
      : JSON.parse(text.replaceAll('users-api', JSON.stringify(name).slice(1, -1)))
  }
}

test('markup in names, messages and attributes is shown as it is, on every page', async () => {
  showNamed(EVIL)
  const { page, faults, close } = await openPage(standIn.url, { mayFail: true })
  const hashes = [
    '#/overview',
    '#/graph',
    '#/graph?view=table',
    `#/service/${encodeURIComponent(EVIL)}`,
    `#/trace/${TRACE_ID}?span=03`,
    '#/changes',
    `#/configuration?service=${encodeURIComponent(EVIL)}`,
  ]
  standIn.push('alert', { severity: 'critical', message: EVIL, service: EVIL })
  for (const hash of hashes) {
    await page.evaluate(`location.hash = ${JSON.stringify(hash)}`)
    const needle = hash === '#/graph' ? '<img' : 'onerror='
    await until(page, `document.querySelector('main').textContent.includes(${JSON.stringify(needle)})`)
    equal(await page.locator('img').count(), 0, hash)
    equal(await page.locator('body script').count(), 0, hash)
  }
  match(await page.title(), /kongsul$/)
  equal(await page.locator('a[href^="javascript:"]').count(), 0)
  deepEqual(faults, [])
  await close()
})

test('addresses of other systems are followed only when they are http', async () => {
  standIn.show({ services: 2 })
  const whole = standIn.answers
  standIn.answers = (path, query, body) => {
    const answer = whole(path, query, body)
    if (path !== 'status') return answer
    return {
      ...(answer as object),
      consul: { url: 'javascript:alert(1)//', connected: true, error: null },
      links: { grafana: 'javascript:alert(2)//', prometheus: 'http://prometheus:9090', jaeger: null },
    }
  }
  const { page, close } = await openPage(standIn.url)
  await page.getByText('127.0.0.1:8001').waitFor()
  equal(await page.getByRole('link', { name: 'Prometheus' }).count(), 1)
  equal(await page.getByRole('link', { name: 'Grafana' }).count(), 0)
  equal(await page.locator('a[href^="javascript:"]').count(), 0)
  for (const rel of await page
    .locator('a[target="_blank"]')
    .evaluateAll((links) => links.map((link) => link.getAttribute('rel')))) {
    equal(rel, 'noopener noreferrer')
  }
  await close()
})

test('a token is asked for where one is needed, sent with every request, kept nowhere, and gone with the page', async () => {
  standIn.show({ services: 2 })
  const whole = standIn.answers
  let shown = ''
  const denied = { status: 401, message: 'a token is needed: Authorization: Bearer TOKEN' }
  standIn.answers = (path, query, body) => (shown === '' ? denied : whole(path, query, body))
  const { page, faults, close } = await openPage(standIn.url, { mayFail: true })
  await page.route('**/api/v1/mesh/v2/**', async (route) => {
    shown = route.request().headers()['authorization'] ?? ''
    await route.continue()
  })
  await page.getByText('This operator answers only to those who show a token.').waitFor()
  await page.locator('.note-page').getByRole('button', { name: 'Set a token' }).click()
  await page.getByLabel('Bearer token').fill('s3cret-s3cret-s3cret')
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: 'The mesh is healthy' }).waitFor()
  equal(shown, 'Bearer s3cret-s3cret-s3cret')
  const kept = await page.evaluate<string>(
    'JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie, location.href]) + document.documentElement.outerHTML',
  )
  ok(!kept.includes('s3cret'))
  shown = ''
  await page.reload()
  await page.getByText('This operator answers only to those who show a token.').waitFor()
  deepEqual(faults, [])
  await close()
})

test('a write that is not allowed says so, and offers a token', async () => {
  standIn.showBut({ services: 2 }, {})
  const whole = standIn.answers
  standIn.answers = (path, query, body) =>
    path.startsWith('DELETE overrides/')
      ? { status: 403, message: 'this token may only read' }
      : whole(path, query, body)
  const { page, close } = await openPage(`${standIn.url}#/overrides`, { mayFail: true })
  await page.getByRole('button', { name: /^Release/ }).click()
  await page.getByRole('button', { name: 'Give back' }).click()
  await page.getByText('this token may only read').waitFor()
  await page.getByRole('row').getByRole('button', { name: 'Set a token' }).click()
  await page.getByRole('dialog', { name: 'Token' }).waitFor()
  await close()
})

test('the page is no more than 80 KiB, and its policy allows nothing but its own', async () => {
  const index = await fetch(standIn.url)
  const policy = index.headers.get('content-security-policy') ?? ''
  for (const rule of [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "connect-src 'self'",
    "frame-ancestors 'none'",
  ]) {
    ok(policy.includes(rule), rule)
  }
  ok(!/unsafe|\*|https?:/.test(policy), policy)
  equal(index.headers.get('cache-control'), 'no-cache')
  const { readdirSync, readFileSync } = await import('node:fs')
  const { gzipSync } = await import('node:zlib')
  const { join } = await import('node:path')
  const files = [
    'index.html',
    ...readdirSync(join(standIn.folder, 'assets')).map((name) => join('assets', name)),
  ]
  const bytes = files.reduce(
    (sum, file) => sum + gzipSync(readFileSync(join(standIn.folder, file)), { level: 9 }).length,
    0,
  )
  ok(bytes <= 80 * 1024, `${bytes} bytes`)
  for (const file of files.slice(1)) {
    const answer = await fetch(new URL(file, standIn.url))
    match(answer.headers.get('cache-control') ?? '', /immutable/)
    equal(answer.headers.get('x-content-type-options'), 'nosniff')
  }
  const same = await fetch(standIn.url, { headers: { 'if-none-match': index.headers.get('etag') ?? '' } })
  equal(same.status, 304)
  equal((await fetch(new URL('assets/../index.html', standIn.url))).status, 404)
})
