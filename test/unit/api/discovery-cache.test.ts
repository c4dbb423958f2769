import { deepEqual, equal, rejects } from 'node:assert/strict'
import test from 'node:test'
import { discoverShape } from '../../../operator/api/discover.ts'
import { DiscoveryCache } from '../../../operator/api/discovery-cache.ts'
import { ConsulError } from '../../../operator/consul/consul-error.ts'
import type { Instance } from '../../../operator/core/catalog.ts'
import { instanceOf } from './catalog-of.ts'

const DOWN = new ConsulError('CONSUL_UNREACHABLE', 'health.service', 'refused')

function cacheOf(first: readonly Instance[] | undefined) {
  const world = { watched: first, consul: first ?? [], nowMs: 0, isInDoubt: false, isDown: false, reads: 0 }
  const cache = new DiscoveryCache({
    watched: () => world.watched,
    isInDoubt: () => world.isInDoubt,
    read: async () => {
      world.reads++
      if (world.isDown) throw DOWN
      return world.consul
    },
    now: () => world.nowMs,
    ttlMs: 30_000,
  })
  const ask = async (useCache = true) =>
    discoverShape.parse(JSON.parse(await cache.discover('web', useCache)))
  return { world, ask }
}
const one = [instanceOf('web-1', 'passing')]
const two = [instanceOf('web-1', 'passing'), instanceOf('web-2', 'critical')]

test('the first answer is from Consul, the next from the cache with its age, until the TTL is over', async () => {
  const { world, ask } = cacheOf(one)
  const { cached, age_seconds, total, healthy, stale } = await ask()
  deepEqual([cached, age_seconds, total, healthy, stale], [false, 0, 1, 1, undefined])
  world.nowMs = 29_999
  deepEqual([(await ask()).cached, (await ask()).age_seconds], [true, 29.999])
  world.nowMs = 30_000
  equal((await ask()).cached, false)
  equal(world.reads, 2)
})

test('a change that the watch sees is in the next cached answer', async () => {
  const { world, ask } = cacheOf(one)
  await ask()
  world.nowMs = 5_000
  world.watched = two
  const { cached, total, healthy, age_seconds } = await ask()
  deepEqual([cached, total, healthy, age_seconds, world.reads], [true, 2, 1, 0, 1])
})

test('use_cache=false asks Consul', async () => {
  const { world, ask } = cacheOf(one)
  await ask()
  world.consul = two
  const { cached, total } = await ask(false)
  deepEqual([cached, total, world.reads], [false, 2, 2])
})

test('while Consul is away the last answer is told as stale, however old, and with its age', async () => {
  const { world, ask } = cacheOf(one)
  await ask()
  world.isDown = true
  world.nowMs = 90_000
  for (const useCache of [true, false]) {
    const { stale, total, age_seconds } = await ask(useCache)
    deepEqual([stale, total, age_seconds], [true, 1, 90])
  }
})

test('what only the watch has seen is told when Consul is away, without asking it', async () => {
  const { world, ask } = cacheOf(one)
  world.isInDoubt = true
  const { stale, total } = await ask()
  deepEqual([stale, total, world.reads], [true, 1, 0])
})

test('a service that nobody knows has no instances; with Consul away that is not claimed', async () => {
  const { world, ask } = cacheOf(undefined)
  const { total, instances } = await ask()
  deepEqual([total, instances], [0, []])
  world.isDown = true
  await rejects(ask(), DOWN)
})

test('a service that is gone has no instances', async () => {
  const { world, ask } = cacheOf(one)
  await ask()
  world.watched = undefined
  const { total, cached } = await ask()
  deepEqual([total, cached], [0, true])
})
