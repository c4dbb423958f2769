import { deepEqual, equal } from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { test } from 'node:test'
import { circuits } from '../../../plugins/mesh-circuit-breaker/plugin.ts'
import { createLineParser } from '../../../plugins/outcomes/parse-line.ts'
import { sampleLine } from '../../../plugins/server/warm-up/sample.ts'
import { warmUp } from '../../../plugins/server/warm-up/warm-up.ts'

test('warming up serves made-up requests to their end, and leaves neither circuits nor files', async () => {
  await warmUp(50)
  deepEqual([...circuits.all()], [])
  deepEqual(
    readdirSync(tmpdir()).filter((name) => name.startsWith(`kongsul-warm-${process.pid}-`)),
    [],
  )
})

test('its line of the access log is one of a retried request of a known service', () => {
  const { token, datagram } = sampleLine(1_000_000)
  const outcome = createLineParser(token)(datagram)
  if (typeof outcome === 'string') throw new Error(outcome)
  deepEqual(
    outcome.tries.map(({ status }) => status),
    ['connect_error', 200],
  )
  equal(outcome.serviceId, '00000000-0000-5000-8000-000000000001')
})
