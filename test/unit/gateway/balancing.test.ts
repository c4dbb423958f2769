import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Address, ResolvedTarget } from '../../../kong/gateway/balancer/address.ts'
import { startSelection } from '../../../kong/gateway/balancer/algorithm.ts'
import { Balancer } from '../../../kong/gateway/balancer/balancer.ts'
import { HealthMemory, KEPT_MS } from '../../../kong/gateway/balancer/health-memory.ts'
import type { UpstreamRow } from '../../../kong/gateway/balancer/upstream-row.ts'
import { xxhash32 } from '../../../kong/gateway/balancer/xxhash32.ts'

interface Overrides {
  readonly upstream?: Partial<UpstreamRow>
  readonly tcpFailures?: number
  readonly memory?: HealthMemory
  readonly seed?: number
  readonly nowMs?: number
}

function balancerOf(weights: readonly number[], overrides: Overrides = {}): Balancer {
  const failures = {
    http_statuses: [],
    http_failures: 0,
    tcp_failures: overrides.tcpFailures ?? 0,
    timeouts: 0,
  }
  const off = { http_statuses: [], successes: 0, interval: 0 }
  const upstream: UpstreamRow = {
    id: 'u',
    name: 'u',
    algorithm: 'round-robin',
    slots: 10_000,
    hash_on: 'none',
    hash_fallback: 'none',
    healthchecks: {
      threshold: 0,
      active: {
        type: 'http',
        timeout: 1,
        concurrency: 1,
        http_path: '/',
        https_verify_certificate: true,
        healthy: off,
        unhealthy: { ...failures, tcp_failures: 0, interval: 0 },
      },
      passive: { type: 'http', healthy: off, unhealthy: failures },
    },
    ...overrides.upstream,
  }
  const targets = weights.map(
    (weight, index): ResolvedTarget => ({
      id: `t${index}`,
      host: `10.0.0.${index + 1}`,
      port: 80,
      weight,
      isName: false,
      ips: [`10.0.0.${index + 1}`],
      dns: 'A',
    }),
  )
  const { memory = new HealthMemory(), seed = 0, nowMs = 0 } = overrides
  return new Balancer({ upstream, targets, memory, seed, nowMs })
}

function counts(balancer: Balancer, picks: number): number[] {
  const found = new Map([...balancer.addresses()].map((address) => [address, 0]))
  for (let i = 0; i < picks; i++) {
    const address = balancer.pick(startSelection(`value ${i}`), 0)
    if (address) found.set(address, found.get(address)! + 1)
  }
  return [...found.values()]
}

const addressesOf = (balancer: Balancer): Address[] => [...balancer.addresses()]

test('round-robin gives any weights exactly, over every run as long as their sum', () => {
  const weights = fc.array(fc.integer({ min: 0, max: 40 }), { minLength: 1, maxLength: 8 })
  fc.assert(
    fc.property(weights, fc.nat(), fc.nat({ max: 100 }), (list, seed, skipped) => {
      const total = list.reduce((sum, weight) => sum + weight, 0)
      fc.pre(total > 0)
      const balancer = balancerOf(list, { seed })
      counts(balancer, skipped)
      deepEqual(counts(balancer, total), list)
    }),
  )
})

test('round-robin interleaves: no target is served twice running while equals wait', () => {
  const balancer = balancerOf([10, 10, 10])
  const order = Array.from({ length: 9 }, () => balancer.pick(startSelection(''), 0)!.ip)
  for (let i = 0; i < 9; i += 3) equal(new Set(order.slice(i, i + 3)).size, 3)
})

test('without weight nobody is picked, whatever the algorithm', () => {
  for (const algorithm of ['round-robin', 'least-connections', 'consistent-hashing', 'latency']) {
    for (const weights of [[], [0], [0, 0]]) {
      equal(balancerOf(weights, { upstream: { algorithm } }).pick(startSelection('x'), 0), null)
    }
  }
})

test('least-connections keeps the requests in flight in proportion to the weights', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 6 }), (weights) => {
      const balancer = balancerOf(weights, { upstream: { algorithm: 'least-connections' } })
      const total = weights.reduce((sum, weight) => sum + weight, 0)
      for (let i = 0; i < total * 3; i++) balancer.pick(startSelection(''), 0)
      deepEqual(
        addressesOf(balancer).map((address) => address.connections),
        weights.map((weight) => weight * 3),
      )
    }),
  )
})

test('least-connections lets equals take turns and gives back what a request held', () => {
  const balancer = balancerOf([1, 1, 1], { upstream: { algorithm: 'least-connections' } })
  const order = Array.from({ length: 6 }, () => {
    const selection = startSelection('')
    const { ip } = balancer.pick(selection, 0)!
    balancer.finish(selection, { elapsedMs: 1, nowMs: 0 })
    return ip
  })
  equal(new Set(order.slice(0, 3)).size, 3)
  deepEqual(
    addressesOf(balancer).map((address) => address.connections),
    [0, 0, 0],
  )
})

test('a least-connections retry goes to another target, and to all of them before any again', () => {
  const balancer = balancerOf([1, 1, 1], { upstream: { algorithm: 'least-connections' } })
  const selection = startSelection('')
  const tried = Array.from({ length: 3 }, () => balancer.pick(selection, 0)!.ip)
  equal(new Set(tried).size, 3)
  ok(balancer.pick(selection, 0))
})

test('consistent hashing sends a value to the same target, also when it is tried again', () => {
  const balancer = balancerOf([10, 10, 10], { upstream: { algorithm: 'consistent-hashing' } })
  const selection = startSelection('one value')
  const first = balancer.pick(selection, 0)
  equal(balancer.pick(selection, 0), first)
  equal(balancer.pick(startSelection('one value'), 0), first)
})

test('consistent hashing moves only the values of the target that went away', () => {
  const memory = new HealthMemory()
  const upstream = { algorithm: 'consistent-hashing' }
  const balancer = balancerOf([10, 10, 10], { upstream, tcpFailures: 1, memory })
  const where = () => Array.from({ length: 300 }, (_, i) => balancer.pick(startSelection(`v${i}`), 0)!.ip)
  const before = where()
  balancer.mark('10.0.0.2', 80, null, false, 0)
  const after = where()
  before.forEach((ip, index) => {
    if (ip !== '10.0.0.2') equal(after[index], ip)
    else ok(after[index] !== '10.0.0.2')
  })
})

test('consistent hashing stays near the weights', () => {
  const spread = counts(balancerOf([30, 10], { upstream: { algorithm: 'consistent-hashing' } }), 4000)
  ok(spread[0]! > 2700 && spread[0]! < 3300, String(spread))
})

test('latency prefers who answers fast', () => {
  const balancer = balancerOf([1, 1], { upstream: { algorithm: 'latency' } })
  let now = 0
  const served = [0, 0]
  for (let i = 0; i < 50; i++) {
    const selection = startSelection('')
    const address = balancer.pick(selection, now)!
    const index = addressesOf(balancer).indexOf(address)
    served[index]!++
    now += 100
    balancer.finish(selection, { elapsedMs: index === 0 ? 500 : 20, nowMs: now })
  }
  ok(served[1]! > served[0]! * 3, String(served))
})

test('a target is out after exactly the number of failures, and only a mark brings it back', () => {
  const balancer = balancerOf([1, 1], { tcpFailures: 3 })
  const [bad] = addressesOf(balancer) as [Address]
  for (const expected of [true, true, false]) {
    balancer.reportTcpFailure(bad, 0)
    equal(bad.available, expected)
  }
  deepEqual(counts(balancer, 4), [0, 4])
  balancer.mark('10.0.0.1', 80, null, true, 0)
  deepEqual(counts(balancer, 4), [2, 2])
})

test('health outlives the balancer for five minutes, and no longer', () => {
  const memory = new HealthMemory()
  balancerOf([1, 1], { tcpFailures: 1, memory }).mark('10.0.0.1', 80, null, false, 0)
  const isKept = (nowMs: number) =>
    !addressesOf(balancerOf([1, 1], { tcpFailures: 1, memory, nowMs }))[0]!.available
  equal(isKept(1000), true)
  memory.retire(2000)
  equal(isKept(2000 + KEPT_MS - 1), true)
  memory.retire(1_000_000)
  equal(isKept(1_000_000 + KEPT_MS), false)
})

test('with a threshold an upstream fails as a whole once too much weight is out', () => {
  const base = balancerOf([1, 1, 1], { tcpFailures: 1 }).upstream
  const healthchecks = { ...base.healthchecks, threshold: 60 }
  const balancer = balancerOf([1, 1, 1], { upstream: { healthchecks } })
  balancer.mark('10.0.0.1', 80, null, false, 0)
  ok(balancer.pick(startSelection(''), 0))
  balancer.mark('10.0.0.2', 80, null, false, 0)
  equal(balancer.pick(startSelection(''), 0), null)
})

test('the hash is XXH32', () => {
  deepEqual(
    ['', 'a', 'Cats are interesting.', '1234567890123456'].map(xxhash32),
    [46947589, 1426945110, 1710037756, 62869842],
  )
})
