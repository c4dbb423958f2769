import assert from 'node:assert/strict'
import { test } from 'node:test'
import { silentLogger } from '../../operator/telemetry/logger.ts'
import type { OperatorLinkOptions } from '../../plugins/export/operator-link.ts'
import { createOperatorLinks, type OperatorLinks } from '../../plugins/export/operator-links.ts'
import { freePorts } from '../support/free-port.ts'
import { anOutcome } from '../support/outcomes.ts'
import { type ScriptedServer, startScriptedServer } from '../support/scripted-server.ts'
import { waitFor } from '../support/wait-for.ts'

const NO_CONTENT = { status: 204 }

const linksTo = (urls: readonly string[], options: Partial<OperatorLinkOptions> = {}): OperatorLinks =>
  createOperatorLinks(urls, { token: 'feed-secret', log: silentLogger, ...options })

async function withOperators(
  count: number,
  options: Partial<OperatorLinkOptions>,
  use: (links: OperatorLinks, operators: readonly ScriptedServer[]) => Promise<void>,
): Promise<void> {
  const operators = await Promise.all(Array.from({ length: count }, () => startScriptedServer()))
  for (const operator of operators) operator.script(NO_CONTENT)
  const links = linksTo(
    operators.map(({ url }) => url),
    options,
  )
  try {
    await use(links, operators)
  } finally {
    await links.stop(0)
    await Promise.all(operators.map((operator) => operator.close()))
  }
}

const idsSeen = ({ seen }: ScriptedServer): string[] =>
  seen.flatMap(({ body }) =>
    body
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => (JSON.parse(line) as { requestId: string }).requestId),
  )

test('every operator gets every outcome, a line each, in order, with the token', () =>
  withOperators(2, {}, async (links, operators) => {
    const ids = Array.from({ length: 50 }, (_, i) => `request-${i}`)
    for (const requestId of ids) links.add(anOutcome({ requestId }))
    for (const operator of operators) {
      await waitFor(() => idsSeen(operator).length === 50, { what: 'all outcomes at the operator' })
      assert.deepEqual(idsSeen(operator), ids)
      const { method, path, headers, body } = operator.seen[0]!
      assert.deepEqual([method, path], ['POST', '/internal/outcomes'])
      assert.equal(headers.authorization, 'Bearer feed-secret')
      assert.equal(headers['content-type'], 'application/x-ndjson')
      assert.ok(body.endsWith('}\n'))
    }
    assert.deepEqual(
      JSON.parse(operators[0]!.seen[0]!.body.split('\n')[0]!),
      anOutcome({ requestId: ids[0]! }),
    )
  }))

test('the first goes at once, and what comes behind it together', () =>
  withOperators(1, {}, async (links, [operator]) => {
    for (let i = 0; i < 50; i++) links.add(anOutcome())
    await waitFor(() => idsSeen(operator!).length === 50, { what: 'all outcomes at the operator' })
    assert.equal(operator!.seen.length, 2)
  }))

test('an operator that hangs holds up no other', () =>
  withOperators(2, { timeoutMs: 60_000 }, async (links, [hanging, well]) => {
    hanging!.script('hang')
    for (let i = 0; i < 10; i++) {
      links.add(anOutcome({ requestId: `request-${i}` }))
      await waitFor(() => idsSeen(well!).length === i + 1, { what: 'the outcome at the other operator' })
    }
    assert.equal(hanging!.seen.length, 1)
    assert.equal(links.links[0]!.counts.sent, 0)
    // It is seen there before its answer is here.
    await waitFor(() => links.links[1]!.counts.sent === 10, { what: 'all ten counted as sent' })
  }))

test('what finds no room while an operator hangs is counted', () =>
  withOperators(1, { timeoutMs: 60_000, maxQueued: 100 }, async (links, [operator]) => {
    operator!.script('hang')
    links.add(anOutcome())
    await waitFor(() => operator!.seen.length === 1, { what: 'the first batch under way' })
    for (let i = 0; i < 150; i++) links.add(anOutcome())
    const { counts, queued } = links.links[0]!
    assert.deepEqual([counts.dropped.queue_full, queued], [50, 101])
  }))

test('an operator that comes up later gets what waited', async () => {
  const [port] = await freePorts(1)
  const links = linksTo([`http://127.0.0.1:${port}`])
  for (let i = 0; i < 20; i++) links.add(anOutcome({ requestId: `request-${i}` }))
  const operator = await startScriptedServer(port)
  operator.script(NO_CONTENT)
  await waitFor(() => idsSeen(operator).length === 20, { what: 'all outcomes at the operator' })
  await waitFor(() => links.links[0]!.counts.sent === 20, { what: 'all of them counted as sent' })
  assert.deepEqual(links.links[0]!.counts, {
    sent: 20,
    dropped: { queue_full: 0, refused: 0, failed: 0, shutdown: 0 },
  })
  await links.stop()
  await operator.close()
})

for (const status of [429, 503]) {
  test(`after ${status} the same outcomes go again`, () =>
    withOperators(1, {}, async (links, [operator]) => {
      operator!.script({ status }, NO_CONTENT)
      links.add(anOutcome())
      await waitFor(() => links.links[0]!.counts.sent === 1, { what: 'the outcome taken' })
      assert.equal(operator!.seen.length, 2)
    }))
}

for (const status of [400, 401, 403, 404, 500]) {
  test(`after ${status} the outcomes are dropped, and the next are tried`, () =>
    withOperators(1, {}, async (links, [operator]) => {
      operator!.script({ status }, NO_CONTENT)
      links.add(anOutcome({ requestId: 'first' }))
      await waitFor(() => links.links[0]!.counts.dropped.refused === 1, { what: 'the first outcome dropped' })
      links.add(anOutcome({ requestId: 'second' }))
      await waitFor(() => links.links[0]!.counts.sent === 1, { what: 'the second outcome taken' })
      assert.deepEqual(idsSeen(operator!), ['first', 'second'])
    }))
}

for (const fault of ['hang', 'reset'] as const) {
  test(`outcomes that may have been counted are not sent twice: ${fault}`, () =>
    withOperators(1, { timeoutMs: 100 }, async (links, [operator]) => {
      operator!.script(fault, NO_CONTENT)
      links.add(anOutcome({ requestId: 'first' }))
      await waitFor(() => links.links[0]!.counts.dropped.failed === 1, { what: 'the first outcome dropped' })
      links.add(anOutcome({ requestId: 'second' }))
      await waitFor(() => links.links[0]!.counts.sent === 1, { what: 'the second outcome taken' })
      assert.deepEqual(idsSeen(operator!), ['first', 'second'])
    }))
}

test('stopping sends what waits', () =>
  withOperators(1, { batchMs: 60_000 }, async (links, [operator]) => {
    links.add(anOutcome())
    await links.stop()
    assert.equal(idsSeen(operator!).length, 1)
    links.add(anOutcome())
    assert.equal(links.links[0]!.counts.dropped.shutdown, 1)
  }))

test('stopping does not wait for an operator that hangs', () =>
  withOperators(1, { timeoutMs: 60_000 }, async (links, [operator]) => {
    operator!.script('hang')
    links.add(anOutcome())
    await waitFor(() => operator!.seen.length === 1, { what: 'the batch under way' })
    links.add(anOutcome())
    await links.stop(50)
    assert.deepEqual([links.links[0]!.counts.dropped.shutdown, links.links[0]!.queued], [2, 0])
  }))
