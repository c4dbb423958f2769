import assert from 'node:assert/strict'
import { mock, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { BatchSender } from '../../../plugins/export/batch-sender.ts'
import { type Deferred, deferred } from '../../support/deferred.ts'

const DELAY_MS = 10

/** A sender whose batches are under way until the test ends them; time passes only by `mock.timers.tick`. */
async function withSender(
  use: (sender: BatchSender<string>, under: Delivered) => Promise<void>,
  isEager = false,
) {
  mock.timers.enable({ apis: ['setTimeout'] })
  const under: Delivered = { batches: [], ends: [] }
  const sender = new BatchSender<string>({
    maxQueued: 100,
    maxBatch: 3,
    delayMs: DELAY_MS,
    isEager,
    deliver: (batch) => {
      under.batches.push(batch)
      const end = deferred<void>()
      under.ends.push(end)
      return end.promise
    },
  })
  try {
    await use(sender, under)
  } finally {
    mock.timers.reset()
  }
}

interface Delivered {
  readonly batches: (readonly string[])[]
  readonly ends: Deferred<void>[]
}

async function endLast({ ends }: Delivered): Promise<void> {
  ends.at(-1)!.resolve()
  await turn()
}

test('a batch goes when its first item has waited for the delay, and what came since goes with it', () =>
  withSender(async (sender, under) => {
    sender.add('a')
    mock.timers.tick(DELAY_MS - 1)
    sender.add('b')
    assert.deepEqual(under.batches, [])
    mock.timers.tick(1)
    assert.deepEqual(under.batches, [['a', 'b']])
  }))

test('a full batch goes at once', () =>
  withSender(async (sender, under) => {
    for (const item of ['a', 'b', 'c']) sender.add(item)
    assert.deepEqual(under.batches, [['a', 'b', 'c']])
  }))

test('time that passes while a batch is under way counts for those that wait behind it', () =>
  withSender(async (sender, under) => {
    sender.add('a')
    mock.timers.tick(DELAY_MS)
    sender.add('b')
    mock.timers.tick(DELAY_MS)
    assert.deepEqual(under.batches, [['a']])
    await endLast(under)
    assert.deepEqual(under.batches, [['a'], ['b']])

    sender.add('c')
    mock.timers.tick(DELAY_MS - 1)
    await endLast(under)
    assert.equal(under.batches.length, 2)
    mock.timers.tick(1)
    assert.deepEqual(under.batches, [['a'], ['b'], ['c']])
  }))

test('an eager one sends what comes after a rest at once, and what follows in batches', () =>
  withSender(async (sender, under) => {
    sender.add('a')
    assert.deepEqual(under.batches, [['a']])
    await endLast(under)
    sender.add('b')
    mock.timers.tick(DELAY_MS - 1)
    sender.add('c')
    assert.equal(under.batches.length, 1)
    mock.timers.tick(1)
    assert.deepEqual(under.batches.slice(1), [['b', 'c']])
    await endLast(under)
    mock.timers.tick(DELAY_MS)
    sender.add('d')
    assert.deepEqual(under.batches.slice(2), [['d']])
  }, true))
