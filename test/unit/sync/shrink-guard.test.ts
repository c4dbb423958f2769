import { deepEqual, equal } from 'node:assert/strict'
import test from 'node:test'
import type { Entity } from '../../../operator/core/entity.ts'
import { stateOf } from '../../../operator/core/kong-json.ts'
import { indexByOwner } from '../../../operator/sync/desired-index.ts'
import { type HeldTargets, reviewShrink } from '../../../operator/sync/shrink-guard.ts'

const target = (service: string, name: string, weight = 1): Entity => ({
  kind: 'target',
  id: `${service}-${name}`,
  name,
  owner: service,
  parent: `${service}-upstream`,
  fields: { weight },
  tags: [],
})
const mesh = (services: Record<string, readonly string[]>) => {
  const targets = Object.entries(services).flatMap(([service, names]) =>
    names.map((name) => target(service, name)),
  )
  return indexByOwner(stateOf(targets))
}
const many = (prefix: string, count: number) => Array.from({ length: count }, (_, at) => `${prefix}${at}`)
const now = { ms: 1000, holdMs: 300_000 }
const heldNames = (held: HeldTargets) => [...held.values()].map((hold) => hold.target.name).sort()
const none: HeldTargets = new Map()

const cases: [
  what: string,
  before: Record<string, string[]>,
  after: Record<string, string[]>,
  held: number,
][] = [
  ['one of three is no shrink', { web: many('w', 3) }, { web: many('w', 2) }, 0],
  ['all of a service of three are held', { web: many('w', 3), api: many('a', 9) }, { api: many('a', 9) }, 3],
  ['all of a service of two go at once', { web: many('w', 2), api: many('a', 9) }, { api: many('a', 9) }, 0],
  ['all of a mesh of three are held', { web: ['w0'], api: ['a0'], db: ['d0'] }, {}, 3],
  ['ten of sixteen in many services are no shrink', onePerService(16), onePerService(6), 0],
  ['eleven of sixteen in many services are held', onePerService(16), onePerService(5), 11],
  ['forty of a hundred are no shrink', onePerService(100), onePerService(60), 0],
  ['replaced instances go at once', { web: many('w', 20) }, { web: many('x', 20) }, 0],
  [
    'a service that keeps one routable instance shrinks freely',
    { web: many('w', 5), api: many('a', 30) },
    { web: ['w0'], api: many('a', 30) },
    0,
  ],
]
for (const [what, before, after, held] of cases) {
  test(what, () => equal(reviewShrink(mesh(before), mesh(after), none, now).size, held))
}

test('whatever a Consul without its data lacks is held, be it one instance', () => {
  const held = reviewShrink(mesh({ web: ['w0', 'w1'], api: ['a0'] }), mesh({ api: ['a0'] }), none, {
    ...now,
    isReset: true,
  })
  deepEqual(heldNames(held), ['w0', 'w1'])
})

test('operators are no part of a mesh that vanishes', () => {
  const before = mesh({ web: ['w0', 'w1'], api: ['a0', 'a1'], 'kongsul-operator': ['o0', 'o1'] })
  deepEqual(heldNames(reviewShrink(before, mesh({ 'kongsul-operator': ['o0'] }), none, now)), [
    'a0',
    'a1',
    'w0',
    'w1',
  ])
})

test('a hold ends with its time', () => {
  const before = mesh({ web: many('w', 3) })
  const held = reviewShrink(before, mesh({}), none, now)
  equal(reviewShrink(mesh({}), mesh({}), held, { ms: 301_001, holdMs: 300_000 }).size, 0)
  equal(reviewShrink(mesh({}), mesh({}), held, { ms: 300_999, holdMs: 300_000 }).size, 3)
})

test('a shorter hold in KV ends those that stand: this is how a person lets them go', () => {
  const held = reviewShrink(mesh({ web: many('w', 3) }), mesh({}), none, now)
  equal(reviewShrink(mesh({}), mesh({}), held, { ms: 2000, holdMs: 0 }).size, 0)
})

test('an instance that is back is held no more', () => {
  const held = reviewShrink(mesh({ web: many('w', 3) }), mesh({}), none, now)
  deepEqual(heldNames(reviewShrink(mesh({}), mesh({ web: ['w1'] }), held, now)), ['w0', 'w2'])
})

test('a held instance is let go the moment its address appears under another service', () => {
  const held = reviewShrink(mesh({ web: many('w', 3) }), mesh({}), none, now)
  deepEqual(heldNames(reviewShrink(mesh({}), mesh({ api: ['w2'] }), held, now)), ['w0', 'w1'])
})

test('what was held before a restart is held until the same time', () => {
  const before = new Map([['web', { sinceMs: 500, untilMs: 200_000 }]])
  const held = reviewShrink(mesh({ web: many('w', 3) }), mesh({}), none, now, before)
  deepEqual(
    [...held.values()].map(({ sinceMs, untilMs }) => [sinceMs, untilMs]),
    Array(3).fill([500, 200_000]),
  )
})

test('what is let go, or over, is not held again after a restart, and counts for nothing', () => {
  const before = new Map([['web', { sinceMs: 500, untilMs: 999 }]])
  const kong = mesh({ web: many('w', 20), api: ['a0', 'a1'] })
  equal(reviewShrink(kong, mesh({ api: ['a0'] }), none, now, before).size, 0)
})

test('instances that vanish one by one are never held', () => {
  const steps = [many('w', 3), many('w', 2), many('w', 1), []].map((names) => mesh({ web: names }))
  let held = none
  for (let at = 1; at < steps.length; at++) held = reviewShrink(steps[at - 1]!, steps[at]!, held, now)
  equal(held.size, 0)
})

function onePerService(count: number): Record<string, string[]> {
  return Object.fromEntries(many('s', count).map((name) => [name, [`${name}-1`]]))
}
