import { equal, match, ok } from 'node:assert/strict'
import { Writable } from 'node:stream'
import test from 'node:test'
import { inspect } from 'node:util'
import { createLogger } from '../../../operator/telemetry/logger.ts'
import { createMetrics } from '../../../operator/telemetry/metrics.ts'
import { Secret } from '../../../operator/telemetry/secret.ts'

function sink(isTTY: boolean) {
  const lines: string[] = []
  const stream = new Writable({
    write(chunk, _encoding, done) {
      lines.push(String(chunk))
      done()
    },
  })
  return { lines, stream: Object.assign(stream, { isTTY }) }
}

test('a log line is JSON with its fields where nobody looks at a terminal', () => {
  const { lines, stream } = sink(false)
  createLogger({ stream }).warn('service skipped', { service: 'web', code: 'HOST_TAKEN' })
  const line = JSON.parse(lines[0]!)
  equal(line.level, 'warn')
  equal(line.message, 'service skipped')
  equal(line.service, 'web')
  equal(line.code, 'HOST_TAKEN')
  ok(!Number.isNaN(Date.parse(line.time)))
})

test('a log line is one readable line on a terminal', () => {
  const { lines, stream } = sink(true)
  createLogger({ stream }).info('applied', { service: 'web', changes: 3 })
  equal(lines.length, 1)
  match(lines[0]!, /applied.*service=.*web.*changes=.*3\n$/)
})

test('a secret prints as [redacted] in logs, templates, JSON and inspections', () => {
  const secret = new Secret('s3cr3t')
  const { lines, stream } = sink(false)
  createLogger({ stream }).info('connected', { token: secret })
  for (const text of [lines[0]!, `${secret}`, JSON.stringify({ secret }), inspect({ secret })]) {
    ok(text.includes('[redacted]'), text)
    ok(!text.includes('s3cr3t'), text)
  }
})

test('every outcome and kind of change is at zero from the start', async () => {
  const text = await createMetrics('0.0.0').registry.metrics()
  match(text, /mesh_reconcile_total\{outcome="failed"\} 0/)
  match(text, /mesh_changes_total\{kind="target",action="delete"\} 0/)
  match(text, /mesh_kong_requests_total\{method="PATCH",outcome="refused"\} 0/)
})
