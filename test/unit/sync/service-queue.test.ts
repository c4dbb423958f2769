import { deepEqual, equal } from 'node:assert/strict'
import test from 'node:test'
import type { Outcome } from '../../../operator/sync/outcome.ts'
import { type Job, ServiceQueue } from '../../../operator/sync/service-queue.ts'
import { waitFor } from '../../support/wait-for.ts'

interface Begun {
  readonly job: Job
  end(outcome?: Outcome): void
}

/** A queue whose work the test ends by hand. */
function handQueue(parallel = 4) {
  const begun: Begun[] = []
  const queue = new ServiceQueue({
    parallel: () => parallel,
    work: (job) =>
      new Promise((end) => begun.push({ job, end: (outcome = { kind: 'inSync' }) => end(outcome) })),
    onDone: () => {},
  })
  queue.resume()
  return { queue, begun, names: () => begun.map(({ job }) => job.service) }
}
const failed: Outcome = { kind: 'failed', error: new Error('no'), changes: [] }

test('a service begins at once', () => {
  const { queue, names } = handQueue()
  queue.add('web', 1)
  deepEqual(names(), ['web'])
})

test('a service that changes while it is applied is applied once more, however often it changed', async () => {
  const { queue, begun, names } = handQueue()
  queue.add('web', 1)
  queue.add('web', 2, ['second'])
  queue.add('web', 3, ['third'])
  queue.add('web', 4, ['third', 'second'])
  equal(begun[0]!.job.isStale(), true)
  begun[0]!.end()
  await waitFor(() => begun.length === 2)
  deepEqual(names(), ['web', 'web'])
  deepEqual([begun[1]!.job.changedAtMs, begun[1]!.job.reasons], [2, ['second', 'third']])
})

test('services that change all the time do not hold up one that changed once', async () => {
  const { queue, begun, names } = handQueue(2)
  for (const service of ['flap1', 'flap2', 'flap3', 'steady']) queue.add(service, 1)
  for (let ended = 0; ended < 4; ended++) {
    queue.add(begun[ended]!.job.service, 2)
    begun[ended]!.end()
    await waitFor(() => begun.length === ended + 3)
  }
  deepEqual(names().slice(0, 5), ['flap1', 'flap2', 'flap3', 'steady', 'flap1'])
  queue.stop()
})

test('a failing service is tried again and does not hold up another', async () => {
  const { queue, begun, names } = handQueue(1)
  queue.add('bad', 1)
  queue.add('good', 1)
  begun[0]!.end(failed)
  await waitFor(() => begun.length === 2)
  begun[1]!.end()
  await waitFor(() => begun.length === 3)
  deepEqual(names(), ['bad', 'good', 'bad'])
  equal(begun[2]!.job.changedAtMs, 1)
  begun[2]!.end()
  await waitFor(() => queue.size === 0)
})

test('news for a failing service are tried at once', async () => {
  const { queue, begun } = handQueue()
  queue.add('web', 1)
  begun[0]!.end(failed)
  await waitFor(() => queue.isSettled)
  queue.add('web', 2)
  equal(begun.length, 2)
  queue.stop()
})

test('what might not be written was not tried: the queue is not settled', async () => {
  const { queue, begun } = handQueue()
  queue.add('web', 1)
  begun[0]!.end({ kind: 'refused', reason: 'this operator is not the leader' })
  await waitFor(() => queue.failing().length === 1)
  equal(queue.isSettled, false)
  queue.resume()
  begun[1]!.end()
  await waitFor(() => queue.isSettled)
})

test('a resync does not shorten the wait of a failing service', async () => {
  const { queue, begun } = handQueue()
  queue.add('web', 1)
  begun[0]!.end(failed)
  await waitFor(() => queue.isSettled)
  queue.add('web', null)
  equal(begun.length, 1)
  queue.stop()
})

test('a service that waits for another goes on when that one is done', async () => {
  const { queue, begun, names } = handQueue()
  queue.add('giver', 1)
  queue.add('taker', 1)
  begun[1]!.end({ kind: 'blocked', on: 'giver' })
  await waitFor(() => queue.isWaitingFor('taker', 'giver'))
  begun[0]!.end()
  await waitFor(() => begun.length === 3)
  deepEqual(names(), ['giver', 'taker', 'taker'])
})

test('nothing begins while paused, and everything that waited begins after', () => {
  const { queue, names } = handQueue()
  queue.pause()
  queue.add('web', 1)
  queue.add('api', 1)
  deepEqual(names(), [])
  queue.resume()
  deepEqual(names(), ['web', 'api'])
})
