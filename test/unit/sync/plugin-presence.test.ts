import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import type { Change } from '../../../operator/core/diff.ts'
import { pluginsSilent, restartsPlugins } from '../../../operator/core/plugin-restarts.ts'
import { PluginPresence } from '../../../operator/sync/plugin-presence.ts'

function presence() {
  let now = 1_000
  let changes = 0
  const of = new PluginPresence({
    onChange: () => changes++,
    clock: () => now,
    wallNowMs: () => 50_000 + now,
  })
  return { of, changes: () => changes, pass: (ms: number) => (now += ms) }
}
const [one, two, three] = [{}, {}, {}]

test('nothing is known of a node that has never told', () => {
  const { of } = presence()
  equal(of.isAway, false)
  equal(of.silent(), null)
})

test('a process is away as soon as its last connection is closed, and there with the next word', () => {
  const { of, changes } = presence()
  deepEqual([of.heard('kong-1', one), of.heard('kong-1', one), of.heard('kong-1', two)], [true, false, true])
  of.closed('kong-1', one)
  equal(of.isAway, false)
  of.closed('kong-1', two)
  equal(of.isAway, true)
  of.heard('kong-1', three)
  equal(of.isAway, false)
  equal(changes(), 1)
  of.stop()
})

test('a process that hangs is away after 15 s, though its connection is open', () => {
  const { of, pass } = presence()
  of.heard('kong-1', one)
  pass(15_001)
  equal(of.isAway, true)
})

test('people are told of one that is not replaced, and since when', () => {
  const { of, pass } = presence()
  of.heard('kong-1', one)
  pass(500)
  of.closed('kong-1', one)
  pass(2_000)
  equal(of.silent(), null)
  pass(1)
  deepEqual(of.silent(), { nodes: ['kong-1'], since: 51_000 })
  of.stop()
})

test('a node that is taken away is waited for as long as it takes to start a process, the last one for ever', () => {
  const { of, pass } = presence()
  of.heard('kong-1', one)
  of.heard('kong-2', two)
  of.closed('kong-1', one)
  equal(of.isAway, true)
  for (let passed = 0; passed <= 20_000; passed += 5_000) {
    pass(5_000)
    of.heard('kong-2', two)
  }
  equal(of.isAway, false)
  of.closed('kong-2', two)
  pass(86_400_000)
  deepEqual(of.silent()?.nodes, ['kong-2'])
  of.stop()
})

test('looking changes nothing', () => {
  const silent = (looks: boolean) => {
    const { of, pass } = presence()
    of.heard('kong-1', one)
    of.heard('kong-2', two)
    of.closed('kong-1', one)
    pass(14_000)
    of.heard('kong-2', two)
    pass(7_000)
    if (looks) equal(of.isAway, false)
    pass(12_000)
    of.stop()
    return of.silent()?.nodes
  }
  deepEqual([silent(false), silent(true)], Array(2).fill(['kong-1', 'kong-2']))
})

test('plugins start anew after a change of one, after one goes with its owner, and after any without a database', () => {
  const change = (action: Change['action'], kind: string) => ({ action, entity: { kind } }) as Change
  const kinds = ['upstream', 'target', 'service', 'route', 'plugin']
  const restarting = (action: Change['action'], isDbless = false) =>
    kinds.filter((kind) => restartsPlugins(change(action, kind), isDbless))
  deepEqual(restarting('create'), ['plugin'])
  deepEqual(restarting('update'), ['plugin'])
  deepEqual(restarting('delete'), ['service', 'route', 'plugin'])
  deepEqual(restarting('update', true), kinds)
  equal(pluginsSilent(['kong-1'], 0).severity, 'error')
})
