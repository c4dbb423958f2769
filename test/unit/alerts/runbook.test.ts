// The runbook: a page for each alert, which somebody reads at three in the morning.
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { ALERT_NAMES } from '../../../operator/alerts/conditions.ts'
import { runbookPage } from '../../../operator/alerts/runbook.ts'
import { rulesOfTheMesh } from '../../support/promql.ts'

const docs = join(import.meta.dirname, '..', '..', '..', 'docs')
const pages = readdirSync(join(docs, 'runbook')).sort()
const read = (page: string) => readFileSync(join(docs, 'runbook', page), 'utf8')
const SECTIONS = [
  'What it means',
  'What users notice',
  'What to look at',
  'What to do',
  'When to stop worrying',
]

test('there is a page for each alert of Prometheus and of the operator, and none besides', () => {
  const alerts = new Set([...rulesOfTheMesh().flatMap(({ alert }) => alert ?? []), ...ALERT_NAMES])
  deepEqual(pages, [...alerts].map((alert) => `${alert}.md`).sort())
})

test('the list names each page once', () => {
  const listed = readFileSync(join(docs, 'runbook.md'), 'utf8').matchAll(
    /^\| \[(\w+)\]\(runbook\/(\w+)\.md\) \|/gm,
  )
  const names = [...listed].map(([, name, page]) => {
    equal(name, page)
    return `${page}.md`
  })
  deepEqual(names.sort(), pages)
})

for (const page of pages)
  test(`${page} says what it means, who notices, what to look at, what to do, and when it is over`, () => {
    const text = read(page)
    equal(text.split('\n')[0], `# ${page.slice(0, -'.md'.length)}`)
    match(text.split('\n')[2]!, /^(Warning|Critical)\b.*\[All alerts\]\(\.\.\/runbook\.md\)$/)
    const sections = text.split(/^## /m).slice(1)
    deepEqual(
      sections.map((section) => section.split('\n')[0]),
      SECTIONS,
    )
    for (const section of sections) ok(section.split('\n').slice(1).join('').length > 20, section)
    match(sections[2]!, /^```sh\n(?:kongsul|curl) /m)
  })

test('its severities are those of the rules', () => {
  for (const { alert, labels } of rulesOfTheMesh()) {
    if (alert === undefined) continue
    match(read(`${alert}.md`).split('\n')[2]!, new RegExp(labels!['severity']!, 'i'), alert)
  }
})

test('a page is in the repository, or where people on call read it', () => {
  equal(runbookPage('MeshHeld'), 'docs/runbook/MeshHeld.md')
  equal(runbookPage('MeshHeld', 'https://wiki/runbook/'), 'https://wiki/runbook/MeshHeld.md')
})
