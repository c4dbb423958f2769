import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { test } from 'node:test'
import { Registry } from 'prom-client'
import { silentLogger } from '../../operator/telemetry/logger.ts'
import { registerExportMetrics } from '../../plugins/export/export-metrics.ts'
import { createOperatorLinks } from '../../plugins/export/operator-links.ts'
import { OtlpExporter } from '../../plugins/export/otlp-exporter.ts'
import { registerFeedMetrics } from '../../plugins/outcomes/feed-metrics.ts'
import type { Outcome } from '../../plugins/outcomes/outcome.ts'
import { listenUdpFeed, type UdpFeed, type UdpFeedOptions } from '../../plugins/outcomes/udp-feed.ts'
import { RECORDED, RECORDED_TOKEN } from '../support/outcomes.ts'
import { waitFor } from '../support/wait-for.ts'

const LINES = Object.values(RECORDED).map(({ line }) => line)

interface Feeding {
  readonly feed: UdpFeed
  readonly outcomes: readonly Outcome[]
  send(...datagrams: readonly (string | Uint8Array)[]): Promise<void>
}

async function withFeed(use: (feeding: Feeding) => Promise<void>, options: Partial<UdpFeedOptions> = {}) {
  const outcomes: Outcome[] = []
  const feed = await listenUdpFeed({
    token: RECORDED_TOKEN,
    port: 0,
    log: silentLogger,
    onOutcome: (outcome) => outcomes.push(outcome),
    ...options,
  })
  const socket = createSocket('udp4')
  const send = async (...datagrams: readonly (string | Uint8Array)[]) => {
    for (const datagram of datagrams) {
      await new Promise((resolve) => socket.send(datagram, feed.port, '127.0.0.1', resolve))
    }
  }
  try {
    await use({ feed, outcomes, send })
  } finally {
    socket.close()
    await feed.close()
  }
}

const received = ({ counts }: UdpFeed): number =>
  [...Object.values(counts.outcomes), ...Object.values(counts.rejected)].reduce(
    (sum, count) => sum + count,
    0,
  )

const allReceived = (feed: UdpFeed, count: number) =>
  waitFor(() => received(feed) === count, { what: `${count} datagrams received` })

test('every line of the log becomes an outcome, in order', () =>
  withFeed(async ({ feed, outcomes, send }) => {
    await send(...LINES)
    await allReceived(feed, LINES.length)
    assert.deepEqual(
      outcomes.map(({ requestId }) => requestId),
      LINES.map((line) => (JSON.parse(line.slice(line.indexOf('{'))) as { i: string }).i),
    )
    const { upstream, exit, client_abort } = feed.counts.outcomes
    assert.equal(upstream + exit + client_abort, LINES.length)
    assert.ok(upstream > 0 && exit > 0 && client_abort > 0)
  }))

test('datagrams of others are counted by what is wrong with them and disturb nothing', () =>
  withFeed(async ({ feed, outcomes, send }) => {
    const line = RECORDED['answered']!.line
    await send(
      '',
      'hello',
      line.replace(RECORDED_TOKEN, 'fedcba9876543210'),
      line.slice(0, 200),
      new Uint8Array(9_000),
    )
    await send(line)
    await allReceived(feed, 6)
    assert.deepEqual(feed.counts.rejected, { token: 1, truncated: 1, malformed: 3 })
    assert.equal(outcomes.length, 1)
  }))

test('a receiver that throws does not stop the feed', () => {
  let calls = 0
  const onOutcome = () => {
    calls++
    throw new Error('not today')
  }
  return withFeed(
    async ({ feed, send }) => {
      await send(...LINES.slice(0, 3))
      await waitFor(() => feed.counts.failed === 3, { what: 'three failures counted' })
      assert.equal(calls, 3)
    },
    { onOutcome },
  )
})

test('a port that is taken is named, with what to do', () =>
  withFeed(async ({ feed }) => {
    const second = listenUdpFeed({
      token: RECORDED_TOKEN,
      port: feed.port,
      log: silentLogger,
      onOutcome: () => {},
    })
    await assert.rejects(second, new RegExp(`UDP 127\\.0\\.0\\.1:${feed.port}.*KONGSUL_PORT_FEED`))
  }))

test('the kernel holds more than its usual buffer', () =>
  withFeed(async ({ feed }) => {
    const usual = createSocket('udp4').bind(0, '127.0.0.1')
    await once(usual, 'listening')
    assert.ok(feed.receiveBufferBytes >= usual.getRecvBufferSize())
    usual.close()
  }))

test('all counters are there from the start, and follow the feed', () =>
  withFeed(async ({ feed, send }) => {
    const registry = new Registry()
    registerFeedMetrics(registry, feed)
    const links = createOperatorLinks(['http://127.0.0.1:1'], { token: 't', log: silentLogger })
    const exporter = new OtlpExporter({
      name: 'collector',
      url: 'http://127.0.0.1:1/v1/traces',
      encode: () => [],
      log: silentLogger,
    })
    registerExportMetrics(registry, { exporters: [exporter], links: links.links })
    const before = await registry.metrics()
    for (const sample of [
      'mesh_outcomes_total{source="exit"} 0',
      'mesh_outcome_lines_rejected_total{reason="truncated"} 0',
      'mesh_outcome_lines_dropped_total 0',
      'mesh_outcomes_unattributed_total 0',
      'mesh_outcome_failures_total 0',
      'mesh_spans_exported_total{exporter="collector"} 0',
      'mesh_spans_dropped_total{exporter="collector",reason="gave_up"} 0',
      'mesh_spans_queued{exporter="collector"} 0',
      'mesh_outcomes_sent_total{operator="http://127.0.0.1:1"} 0',
      'mesh_outcomes_dropped_total{operator="http://127.0.0.1:1",reason="refused"} 0',
      'mesh_outcomes_queued{operator="http://127.0.0.1:1"} 0',
    ]) {
      assert.ok(before.includes(`${sample}\n`), sample)
    }
    await send(RECORDED['no-route']!.line, RECORDED['traced']!.line, 'hello')
    await allReceived(feed, 3)
    const after = await registry.metrics()
    for (const sample of [
      'mesh_outcomes_total{source="exit"} 1',
      'mesh_outcomes_total{source="upstream"} 1',
      'mesh_outcome_lines_rejected_total{reason="malformed"} 1',
      'mesh_outcomes_unattributed_total 1',
    ]) {
      assert.ok(after.includes(`${sample}\n`), sample)
    }
    await links.stop(0)
    await exporter.stop(0)
  }))
