// One real Chromium for the tests of a file, and pages that notice what they must never do.

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { after } from 'node:test'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { findChromium } from '../../operator/setup/chromium-binary.ts'
import { waitFor } from './wait-for.ts'

export type Scheme = 'light' | 'dark'

export interface WatchedPage {
  readonly page: Page
  /** Errors of scripts, of the console, refusals of the policy, requests that left the origin. */
  readonly faults: string[]
  close(): Promise<void>
}

export interface PageOptions extends BrowserContextOptions {
  readonly scheme?: Scheme
  /** What the browser itself writes of answers that fail is no fault where they are meant to. */
  readonly mayFail?: boolean
}

let browser: Promise<Browser> | null = null

/** Launched with the first page, closed after the tests of the file. */
export async function openPage(url: string, options: PageOptions = {}): Promise<WatchedPage> {
  const { scheme = 'light', mayFail = false, ...rest } = options
  browser ??= launch()
  const context = await (await browser).newContext({
    viewport: { width: 1280, height: 800 },
    colorScheme: scheme,
    reducedMotion: 'reduce',
    ...rest,
  })
  const page = await context.newPage()
  const faults: string[] = []
  const origin = new URL(url).origin
  page.on('pageerror', (error) => faults.push(`script: ${error.message}`))
  page.on('console', (message) => {
    const text = message.text()
    if (message.type() !== 'error' && message.type() !== 'warning') return
    if (mayFail && /^Failed to load resource/.test(text)) return
    faults.push(`console: ${text}`)
  })
  page.on('request', (request) => {
    const { protocol, origin: asked } = new URL(request.url())
    if (protocol !== 'data:' && asked !== origin) faults.push(`left the origin: ${request.url()}`)
  })
  await page.addInitScript({
    content: `addEventListener('securitypolicyviolation', (event) =>
      console.error('policy: ' + event.violatedDirective + ' ' + event.blockedURI + ' ' + event.sample))`,
  })
  await page.goto(url)
  return { page, faults, close: () => context.close() }
}

/** Waits until this JavaScript is true in the page. Asked from outside: the page's own policy evaluates no text. */
export async function until(page: Page, expression: string): Promise<void> {
  await waitFor(() => page.evaluate<boolean>(expression), {
    what: expression,
    pollMs: 50,
  })
}

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/**
 * What axe finds, one line each with the element; empty when nothing.
 * @param rules those alone; every one when not given
 */
export async function axeViolations(page: Page, rules?: readonly string[]): Promise<readonly string[]> {
  // Runs apart from the page: its policy would not let it in otherwise.
  if (!(await page.evaluate<boolean>("'axe' in globalThis"))) await page.evaluate(axeSource)
  return await page.evaluate(async (only) => {
    const { axe } = globalThis as unknown as {
      axe: {
        run(options: object): Promise<{
          violations: { id: string; help: string; nodes: { html: string; failureSummary: string }[] }[]
        }>
      }
    }
    const { violations } = await axe.run(only === undefined ? {} : { runOnly: [...only] })
    return violations.flatMap(({ id, help, nodes }) =>
      nodes.map(
        ({ html, failureSummary }) =>
          `${id} (${help}): ${html.slice(0, 160)} ${failureSummary.slice(0, 300)}`,
      ),
    )
  }, rules)
}

async function launch(): Promise<Browser> {
  const executablePath = await findChromium({ log: () => {} })
  // A container has no other sandbox to give, and the page is our own.
  return await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-dev-shm-usage'] })
}

after(async () => {
  await (await browser)?.close()
})
