import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { silentLogger } from '../../../operator/telemetry/logger.ts'
import { CircuitReporter } from '../../../plugins/agent/circuit-reporter.ts'
import type { Transition } from '../../../plugins/breaker/transition.ts'
import { deferred } from '../../support/deferred.ts'
import { waitFor } from '../../support/wait-for.ts'

type Body = { readonly node: string; readonly events: readonly Transition[] }

function operator(url: string, answer: () => Promise<unknown> = async () => undefined) {
  const bodies: Body[] = []
  const call = (_method: string, _path: string, { body }: { body?: unknown } = {}) => {
    bodies.push(body as Body)
    return answer()
  }
  return { url, bodies, call }
}
const change = { key: 'k', instance: null, to: 'open' } as Transition
/** Answers when each of them has been told once. */
async function reporting(...operators: ReturnType<typeof operator>[]): Promise<CircuitReporter> {
  const who = { operators, node: 'n1', epoch: '1' }
  const fromKong = () => ({ called: true, unasked: 0 })
  const reporter = new CircuitReporter({ ...who, snapshot: () => [], fromKong, log: silentLogger })
  await waitFor(() => operators.every(({ bodies }) => bodies.length > 0), { what: 'the first report' })
  return reporter
}

test('every operator is told at the start, and soon after a change', async () => {
  const [one, two] = [operator('http://one'), operator('http://two')]
  const reporter = await reporting(one, two)
  deepEqual([one.bodies.length, two.bodies.length], [1, 1])
  reporter.changed(change)
  await waitFor(() => one.bodies.length === 2 && two.bodies.length === 2)
  deepEqual([one.bodies[1]!.events, two.bodies[1]!.events], [[change], [change]])
  reporter.stop()
})

test('an operator that does not answer keeps no other waiting, and is told of everything later', async () => {
  const hanging = deferred<undefined>()
  const [slow, quick] = [operator('http://slow', () => hanging.promise), operator('http://quick')]
  const reporter = await reporting(slow, quick)
  for (const told of [2, 3]) {
    reporter.changed(change)
    await waitFor(() => quick.bodies.length === told)
  }
  equal(slow.bodies.length, 1)
  hanging.resolve(undefined)
  await waitFor(() => slow.bodies.length === 2)
  equal(slow.bodies[1]!.events.length, 2)
  reporter.stop()
})

test('an operator that fails is told again soon, of what has changed too', async () => {
  let isUp = false
  const starting = operator('http://starting', async () => {
    if (!isUp) throw new Error('no')
  })
  const reporter = await reporting(starting)
  reporter.changed(change)
  await waitFor(() => starting.bodies.length >= 3)
  isUp = true
  const failed = starting.bodies.length
  await waitFor(() => starting.bodies.length > failed)
  deepEqual(starting.bodies.at(-1)!.events, [change])
  reporter.stop()
})
