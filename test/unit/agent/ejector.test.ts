import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { silentLogger } from '../../../operator/telemetry/logger.ts'
import { Ejector, type EjectorOptions, type Wish } from '../../../plugins/agent/ejector.ts'
import { OperatorRefusal } from '../../../plugins/agent/operator-calls.ts'
import { deferred } from '../../support/deferred.ts'
import { waitFor } from '../../support/wait-for.ts'

type Fakes = Partial<Pick<EjectorOptions, 'mark' | 'claim' | 'release' | 'wallNowMs'>>

function start(fakes: Fakes = {}) {
  const calls: string[] = []
  const told = (what: string) => calls.push(what)
  const ejector = new Ejector({
    mark: async (upstream, target, health) => {
      told(health)
      return (await fakes.mark?.(upstream, target, health)) ?? true
    },
    claim: async (wish) => {
      told('claim')
      await fakes.claim?.(wish)
    },
    release: async (wish) => {
      told('release')
      await fakes.release?.(wish)
    },
    log: silentLogger,
    wallNowMs: fakes.wallNowMs ?? (() => 0),
  })
  return { ejector, calls, idle: () => waitFor(() => ejector.pending === 0) }
}
const wish = (isIn: boolean, over: Partial<Wish> = {}): Wish => ({
  upstream: 'web.mesh',
  target: '10.0.0.1:80',
  isIn,
  untilMs: isIn ? 0 : 1_000,
  reason: 'test',
  ...over,
})
const counted = ({ ejector }: ReturnType<typeof start>) => {
  const { ejections, returns, refused } = ejector.counts
  return { ejections, returns, refused }
}

test('an ejection is claimed and marked, a return is marked and released', async () => {
  const run = start()
  run.ejector.want(wish(false))
  await run.idle()
  deepEqual(run.calls.toSorted(), ['claim', 'unhealthy'])
  run.ejector.want(wish(true))
  await run.idle()
  deepEqual(run.calls.slice(2), ['healthy', 'release'])
  deepEqual(counted(run), { ejections: 1, returns: 1, refused: 0 })
})

test('an operator that does not answer holds up no mark, and is told until it answers', async () => {
  const claim = deferred<void>()
  let isAway = true
  const run = start({ claim: () => (isAway ? claim.promise : Promise.resolve()) })
  run.ejector.want(wish(false))
  await waitFor(() => run.calls.includes('unhealthy'))
  isAway = false
  claim.reject(new Error('nobody is there'))
  await run.idle()
  deepEqual(run.calls, ['claim', 'unhealthy', 'claim'])
  equal(run.ejector.counts.ejections, 1)
})

test('an ejection that nobody heard of is no longer told when it is over', async () => {
  let nowMs = 0
  const claim = async () => {
    nowMs = 1_000
    throw new Error('nobody is there')
  }
  const run = start({ claim, wallNowMs: () => nowMs })
  run.ejector.want(wish(false))
  await run.idle()
  deepEqual(run.calls, ['claim', 'unhealthy'])
})

test('a mark that Kong does not answer is tried until it does, and claimed once', async () => {
  let failures = 3
  const mark = async () => {
    if (failures-- > 0) throw new Error('ECONNREFUSED')
    return true
  }
  const run = start({ mark })
  run.ejector.want(wish(false))
  await run.idle()
  deepEqual([run.ejector.counts.retries, run.ejector.counts.ejections], [3, 1])
  equal(run.calls.filter((each) => each === 'claim').length, 1)
})

test('a mark that Kong refuses is tried as long as the instance is to be out', async () => {
  let wallMs = 0
  const run = start({ mark: async () => false, wallNowMs: () => wallMs })
  run.ejector.want(wish(false))
  await waitFor(() => run.calls.filter((each) => each === 'unhealthy').length >= 2)
  equal(run.ejector.pending, 1)
  wallMs = 1_000
  await run.idle()
  equal(run.ejector.counts.ejections, 0)
  ok(run.ejector.counts.refused >= 2)
})

test('a mark that Kong refuses for a target that comes back is not tried again', async () => {
  const run = start({ mark: async () => false })
  run.ejector.want(wish(true))
  await run.idle()
  deepEqual(counted(run), { ejections: 0, returns: 0, refused: 1 })
})

test('of several wishes for one target the last counts, and it ends the pause of a failed one', async () => {
  let isUp = false
  const mark = async () => {
    if (!isUp) throw new Error('ECONNREFUSED')
    return true
  }
  const run = start({ mark })
  run.ejector.want(wish(false))
  await waitFor(() => run.ejector.counts.retries >= 4)
  isUp = true
  run.ejector.want(wish(true))
  await run.idle()
  deepEqual(counted(run), { ejections: 0, returns: 1, refused: 0 })
  equal(run.calls.at(-1), 'release')
})

test('what another process has ejected first is put back by that process', async () => {
  const claim = async () => {
    throw new OperatorRefusal('taken', 409)
  }
  const run = start({ claim })
  run.ejector.want(wish(false))
  await run.idle()
  run.ejector.want(wish(true))
  await run.idle()
  equal(run.calls.includes('healthy'), false)
})

test('an ejection that was claimed at last is put back by us', async () => {
  let isTaken = true
  const claim = async () => {
    if (isTaken) throw new OperatorRefusal('taken', 409)
  }
  const run = start({ claim })
  run.ejector.want(wish(false))
  await run.idle()
  isTaken = false
  run.ejector.want(wish(false, { untilMs: 2_000 }))
  await run.idle()
  run.ejector.want(wish(true))
  await run.idle()
  deepEqual(run.calls.slice(-2), ['healthy', 'release'])
})

test('targets do not wait for each other, and nothing goes on after the end', async () => {
  const stuck = deferred<boolean>()
  const mark: Fakes['mark'] = (_, target) => (target === 'stuck:1' ? stuck.promise : Promise.resolve(true))
  const run = start({ mark })
  run.ejector.want(wish(false, { target: 'stuck:1' }))
  run.ejector.want(wish(false))
  await waitFor(() => run.ejector.pending === 1)
  run.ejector.stop()
  stuck.reject(new Error('aborted'))
  await run.idle()
  equal(run.ejector.counts.ejections, 1)
})
