// `npm run screenshots`: docs/screenshots/, each page of the dashboard in light and dark, of a real mesh with traffic in
// which one instance fails, a field was edited in Kong and a setting in Consul.
import { mkdirSync, statSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { chromium, type Page } from 'playwright-core'
import type { Addresses } from '../../operator/cli/up/closing-lines.ts'
import { findChromium } from '../../operator/setup/chromium-binary.ts'
import { startKongsul } from '../support/kongsul-process.ts'
import { waitFor } from '../support/wait-for.ts'

const FOLDER = join(import.meta.dirname, '..', '..', 'docs', 'screenshots')
const SIZE = { width: 1280, height: 860 }
const MOST_BYTES = 150 * 1024
/** Long enough for the charts to show something. */
const TRAFFIC_MS = 150_000
const EVERY_MS = 70
const HOSTS = ['web.mesh', 'web.mesh', 'api.mesh', 'store.mesh']

const PHONE = { width: 390, height: 844 }

/** A part of the requests for store goes to its second instance. */
const CANARY = [
  { Kind: 'service-defaults', Name: 'store', Protocol: 'http' },
  {
    ...{ Kind: 'service-resolver', Name: 'store', DefaultSubset: 'stable' },
    Subsets: {
      stable: { Filter: 'Service.ID != "store-2"' },
      canary: { Filter: 'Service.ID == "store-2"' },
    },
  },
  {
    ...{ Kind: 'service-splitter', Name: 'store' },
    Splits: [
      { Weight: 70, ServiceSubset: 'stable' },
      { Weight: 30, ServiceSubset: 'canary' },
    ],
  },
]

const log = (line: string) => process.stderr.write(`${line}\n`)

const up = startKongsul(['up', '--free-ports', '-o', 'json'], {
  KONGSUL_RESYNC_CRON: '* * * * * *',
  KONGSUL_LINKS_GRAFANA: 'http://127.0.0.1:3000',
  KONGSUL_LINKS_PROMETHEUS: 'http://127.0.0.1:9090',
  KONGSUL_LINKS_JAEGER: 'http://127.0.0.1:16686',
})
let traffic: NodeJS.Timeout | undefined
try {
  const addresses = await waitFor(() => addressesIn(up.output()), { what: 'the mesh', deadlineMs: 120_000 })
  log(`a mesh runs: ${addresses.apiUrl}; traffic for ${TRAFFIC_MS / 1000} s`)
  let turn = 0
  traffic = setInterval(() => call(addresses.proxyUrl, HOSTS[turn++ % HOSTS.length]!), EVERY_MS)
  for (const service of ['api', 'store']) {
    await json('PUT', `${addresses.consulUrl}/v1/kv/mesh/services/${service}`, {
      loadBalancing: { strategy: 'least_connections' },
    })
  }
  for (const entry of CANARY) await json('PUT', `${addresses.consulUrl}/v1/config`, entry)
  await delay(TRAFFIC_MS)
  await json('PATCH', `${addresses.adminUrl}/services/mesh.web`, { read_timeout: 30_000 })
  await json('POST', `http://127.0.0.1:${addresses.failingPort}/fail`)
  await waitFor(async () => (await read(addresses, 'alerts')).includes('MeshCircuitOpen'), {
    what: 'the alert of an open circuit',
    deadlineMs: 60_000,
  })
  await shoot(addresses)
} finally {
  clearInterval(traffic)
  await up.stop()
}

async function shoot(addresses: Addresses): Promise<void> {
  mkdirSync(FOLDER, { recursive: true })
  const longest = await longestTrace(addresses, 'limit=200')
  const pages: readonly (readonly [name: string, hash: string, ready: string])[] = [
    ['overview', '#/overview?range=5m', 'MeshCircuitOpen'],
    ['graph', '#/graph?range=5m', 'called before'],
    ['service', '#/service/api?range=5m', 'Routes and circuit'],
    ['traces', '#/traces?range=5m', 'Where the time goes'],
    ['trace', `#/trace/${longest ?? ''}`, 'critical path'],
    ['changes', '#/changes?range=5m', 'Failed only'],
    ['configuration', '#/configuration?service=store', 'together 100 %'],
    ['overrides', '#/overrides', 'read_timeout'],
  ]
  const browser = await chromium.launch({
    executablePath: await findChromium({ log }),
    args: ['--no-sandbox', '--disable-dev-shm-usage'],
  })
  try {
    const page = await browser.newPage({ viewport: SIZE, reducedMotion: 'reduce' })
    await page.goto(`${addresses.apiUrl}/`)
    for (const [name, hash, ready] of pages) {
      await page.evaluate(`location.hash = ${JSON.stringify(hash)}`)
      await page.getByText(ready).first().waitFor()
      await waitFor(() => page.evaluate<boolean>(`document.querySelector('[aria-busy="true"]') === null`))
      if (name === 'configuration') await preview(page)
      if (name === 'trace') await page.locator('.span-button').nth(1).click()
      await picture(page, name)
    }
    await page.setViewportSize(PHONE)
    await page.evaluate("location.hash = '#/overview?range=5m'")
    await page.getByText('MeshCircuitOpen').first().waitFor()
    await picture(page, 'phone')
  } finally {
    await browser.close()
  }
}

async function picture(page: Page, name: string): Promise<void> {
  for (const scheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme: scheme })
    await delay(300)
    const path = join(FOLDER, `${name}-${scheme}.png`)
    await page.screenshot({ path })
    const { size } = statSync(path)
    log(`${path} ${Math.round(size / 1024)} KiB`)
    if (size > MOST_BYTES) throw new Error(`${path} is larger than ${MOST_BYTES} bytes`)
  }
}

/** Id of the trace with most spans, of those with errors where there are; null where none fits. */
async function longestTrace(addresses: Addresses, query: string): Promise<string | null> {
  const { traces } = JSON.parse(await read(addresses, `traces?${query}`)) as {
    traces: { trace_id: string; span_count: number; error_count: number }[]
  }
  const weight = (trace: (typeof traces)[number]) => trace.span_count + (trace.error_count > 0 ? 0.5 : 0)
  return traces.toSorted((left, right) => weight(right) - weight(left))[0]?.trace_id ?? null
}

/** What a change would do is what that page is about. */
async function preview(page: Page): Promise<void> {
  const form = page.getByRole('form', { name: 'Load balancing' })
  await form.getByLabel('Strategy').selectOption('random')
  await form.getByRole('button', { name: 'Preview' }).click()
  await form.getByRole('button', { name: 'Apply' }).waitFor()
}

function addressesIn(output: string): Addresses | null {
  const text = output.slice(output.indexOf('{'))
  try {
    return output.includes('{') ? (JSON.parse(text.slice(0, text.lastIndexOf('}') + 1)) as Addresses) : null
  } catch {
    return null // still being printed
  }
}

function call(proxyUrl: string, host: string): void {
  const sent = request(proxyUrl, { headers: { host } }, (answer) => answer.resume())
  sent.on('error', () => {}) // what fails is what is shown
  sent.end()
}

async function json(method: string, url: string, body?: object): Promise<void> {
  const headers = { 'content-type': 'application/json' }
  const sent = body === undefined ? {} : { body: JSON.stringify(body), headers }
  const answer = await fetch(url, { method, ...sent })
  if (!answer.ok) throw new Error(`${method} ${url} answered ${answer.status}: ${await answer.text()}`)
}

async function read({ apiUrl }: Addresses, path: string): Promise<string> {
  return await (await fetch(`${apiUrl}/api/v1/mesh/v2/${path}`)).text()
}
