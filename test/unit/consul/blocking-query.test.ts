import { deepEqual, equal } from 'node:assert/strict'
import test from 'node:test'
import {
  type AnswerEvent,
  burstPauseMs,
  followBlockingQuery,
} from '../../../operator/consul/blocking-query.ts'
import { ConsulError } from '../../../operator/consul/consul-error.ts'
import type { ReadOptions } from '../../../operator/consul/consul-reader.ts'

type Step = { readonly index: bigint; readonly body?: string } | { readonly fails: ConsulError['code'] }

/** Plays the steps as answers of Consul; returns what was asked for and what was made of the answers. */
async function play(steps: readonly Step[], { everyAnswer = false } = {}) {
  const stop = new AbortController()
  const asked: bigint[] = []
  const seen: (readonly [index: bigint, event: AnswerEvent])[] = []
  const failures: string[] = []
  let at = 0
  const read = async ({ index = 0n }: ReadOptions = {}) => {
    const step = steps[at++]
    if (step === undefined) {
      stop.abort()
      throw new ConsulError('CONSUL_ABORTED', 'test', 'given up')
    }
    asked.push(index)
    if ('fails' in step) throw new ConsulError(step.fails, 'test', 'failed')
    return { body: [step.body], index: step.index }
  }
  await followBlockingQuery({
    read,
    waitMs: 1000,
    signal: stop.signal,
    everyAnswer,
    onAnswer: ({ index }, event) => seen.push([index, event]),
    onFailure: ({ code }) => failures.push(code),
  })
  return { asked, seen, failures }
}

const fresh = { fresh: true, backwards: false, broken: false }
const change = { fresh: false, backwards: false, broken: false }

test('each query waits for an index above the one of the answer before', async () => {
  const { asked, seen } = await play([{ index: 5n }, { index: 7n }])
  deepEqual(asked, [0n, 5n])
  deepEqual(seen, [
    [5n, fresh],
    [7n, change],
  ])
})

test('an answer with the same index is a wait that ran out, and tells nobody', async () => {
  const { seen } = await play([{ index: 5n }, { index: 5n }])
  deepEqual(seen.length, 1)
})

test('a wait that ends early with nothing new is asked anew without an index: Consul may have been restored', async () => {
  const { asked, seen } = await play([{ index: 900n }, { index: 900n }, { index: 12n }, { index: 13n }])
  deepEqual(asked, [0n, 900n, 0n, 0n])
  deepEqual(seen[1], [12n, { fresh: true, backwards: true, broken: false }])
})

test('so is one that ends early with the rows of before and a later index, where all answers are told', async () => {
  const steps = [
    { index: 30n, body: 'old' },
    { index: 31n, body: 'old' },
    { index: 12n, body: 'restored' },
  ]
  deepEqual((await play(steps, { everyAnswer: true })).asked, [0n, 30n, 0n])
  deepEqual((await play(steps)).asked, [0n, 30n, 31n])
  const news = [...steps.slice(0, 1), { index: 31n, body: 'new' }, { index: 32n, body: 'newer' }]
  deepEqual((await play(news, { everyAnswer: true })).asked, [0n, 30n, 31n])
})

test('what was asked without an index is not taken for a wait that ended early', async () => {
  const { asked } = await play([{ index: 5n }, { index: 5n }, { index: 5n }, { index: 5n }])
  deepEqual(asked, [0n, 5n, 0n, 5n])
})

test('an index that went backwards is reset to 0 and its answer is marked', async () => {
  const { asked, seen } = await play([{ index: 900n }, { index: 12n }, { index: 12n }])
  deepEqual(asked, [0n, 900n, 0n])
  deepEqual(seen[1], [12n, { fresh: true, backwards: true, broken: false }])
})

test('a refused connection resets the index, and the next answer is marked even with the same index', async () => {
  const { asked, seen, failures } = await play([
    { index: 5n },
    { fails: 'CONSUL_UNREACHABLE' },
    { index: 5n },
  ])
  deepEqual(asked, [0n, 5n, 0n])
  deepEqual(failures, ['CONSUL_UNREACHABLE'])
  deepEqual(seen[1], [5n, { ...fresh, broken: true }])
})

test('a lost leader resets the index; the next answer is told, and the data is taken for the same', async () => {
  const { asked, seen } = await play([{ index: 5n }, { fails: 'CONSUL_NO_LEADER' }, { index: 5n }])
  deepEqual(asked, [0n, 5n, 0n])
  deepEqual(seen[1], [5n, { ...change, broken: true }])
})

test('an index that went backwards after a failure is told from one that did without', async () => {
  const { seen } = await play([{ index: 9n }, { fails: 'CONSUL_NO_LEADER' }, { index: 5n }, { index: 4n }])
  deepEqual(seen.slice(1), [
    [5n, { fresh: true, backwards: true, broken: true }],
    [4n, { fresh: true, backwards: true, broken: false }],
  ])
})

test('an index above 2^53 is followed exactly', async () => {
  const { asked, seen } = await play([{ index: 2n ** 60n }, { index: 2n ** 60n + 1n }])
  deepEqual(asked, [0n, 2n ** 60n])
  deepEqual(seen.length, 2)
})

test('an answer that was waited for is followed by the next question at once', () => {
  equal(burstPauseMs(700, 0, 9n), 0)
  equal(burstPauseMs(700, 100, 9n), 0)
})

test('answers that come at once are asked for less and less often, ten times a second at least', () => {
  const pauses = [0]
  for (let answers = 0; answers < 5; answers++) pauses.push(burstPauseMs(3, pauses.at(-1)!, 9n))
  deepEqual(pauses, [0, 25, 50, 100, 100, 100])
})

test('a slower answer in the middle of a burst is no end of it', () => equal(burstPauseMs(40, 50, 9n), 100))

test('changes that are made one after another wait for the first pause alone', () =>
  equal(burstPauseMs(3, 100, 3n), 25))
