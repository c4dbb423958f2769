// Ready is what a rolling deployment waits for: too early, and traffic moves to an operator with an empty Kong.
import { deepEqual } from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { startOperator } from '../../operator/sync/operator.ts'
import { silentLogger } from '../../operator/telemetry/logger.ts'
import { type Stack, startStack } from '../support/operator-stack.ts'
import { waitFor } from '../support/wait-for.ts'

let stack: Stack
before(async () => {
  stack = await startStack()
})
after(() => stack.stop())

const SERVICES = 150

const routes = async () =>
  (await stack.admin('GET', '/routes?tags=managed-by:kongsul&size=1000')).body.data.length

test('an operator that is alone is ready only when everything is in Kong, also while its lead is in doubt', async () => {
  for (let n = 0; n < SERVICES; n++) {
    await stack.consul.register({
      Name: `ready${n}`,
      ID: `ready${n}-1`,
      Address: '127.0.0.1',
      Port: 9000 + n,
    })
  }
  const operator = await startOperator(stack.config(), { log: silentLogger })
  try {
    const early: number[] = []
    await waitFor(
      async () => {
        const isDoubted = (await routes()) < 2 * SERVICES
        // What a successor asks makes a leader ask Consul anew before it writes on.
        if (isDoubted) await fetch(`${operator.url}/healthz`, { headers: { 'x-kongsul-successor': 'asks' } })
        const { ready } = operator.status()
        if (ready && isDoubted) early.push(await routes())
        return ready && !isDoubted
      },
      { what: 'the operator being ready' },
    )
    deepEqual(
      early.filter((count) => count < 2 * SERVICES),
      [],
    )
  } finally {
    await operator.stop()
  }
})
