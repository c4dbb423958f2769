import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import {
  changedEjections,
  type Ejection,
  ejectionKey,
  ejectionsIn,
  ejectionsOf,
  ejectionText,
  isWhollyOut,
  lastingEjections,
} from '../../../operator/core/ejections.ts'

const ejection: Ejection = {
  upstream: 'web.mesh',
  target: '10.0.0.1:80',
  untilMs: 5000,
  sinceMs: 1000,
  reason: 'five 5xx in a row',
  owner: 'node-a',
}
const rows = (texts: Readonly<Record<string, string>>) =>
  new Map(Object.entries(texts).map(([key, text]) => [key, { text, index: 1 }]))

test('what is written is what is read', () => {
  const key = ejectionKey('web.mesh', '10.0.0.1:80')
  equal(key, 'mesh/ejections/web.mesh/10.0.0.1:80')
  deepEqual([...ejectionsIn(rows({ [key]: ejectionText(ejection) }))], [[key, ejection]])
})

test('nodes with marks of their own have a record each, and the target is left alone as long as any', () => {
  const own = (owner: string, untilMs: number) => ({ ...ejection, owner, untilMs })
  const both = [own('node a/1', 5000), own('node-b', 4000)]
  const keys = both.map(({ upstream, target, owner }) => ejectionKey(upstream, target, owner))
  equal(keys[0], 'mesh/ejections/web.mesh/10.0.0.1:80/node%20a%2F1')
  const found = ejectionsIn(rows(Object.fromEntries(both.map((each, at) => [keys[at]!, ejectionText(each)]))))
  const read = both.map((each) => ({ ...each, isOwnMark: true }))
  deepEqual([...found.values()], read)
  deepEqual([...lastingEjections(found).values()], [read[0]])
  const others = { 'mesh/ejections/web.mesh/10.0.0.1:80/node-c': ejectionText(both[1]!) }
  equal(ejectionsIn(rows(others)).size, 0, 'of another node than its key says')
})

test('a target is found in the form that Kong has it in', () => {
  const found = ejectionsIn(rows({ 'mesh/ejections/web.mesh/[::1]:80': '{"until":1}' }))
  deepEqual(
    [...found.values()].map(({ target }) => target),
    ['[0000:0000:0000:0000:0000:0000:0000:0001]:80'],
  )
})

test('what has no deadline, or is no ejection, claims nothing', () => {
  const texts = { a: '', b: '{}', c: '[]', d: 'null', e: '{"until":"soon"}', f: '{"until":1e300}' }
  for (const text of Object.values(texts)) equal(ejectionsIn(rows({ 'mesh/ejections/u/t:1': text })).size, 0)
  equal(
    ejectionsIn(rows({ 'mesh/ejections/u': '{"until":1}', 'mesh/ejections/u/t/x': '{"until":1}' })).size,
    0,
  )
})

test('upstreams are named whose ejections came, went or were prolonged', () => {
  const of = (...list: readonly Ejection[]) =>
    new Map(list.map((each) => [ejectionKey(each.upstream, each.target), each]))
  const other = { ...ejection, upstream: 'api.mesh' }
  deepEqual(changedEjections(of(), of(ejection)), ['web.mesh'])
  deepEqual(changedEjections(of(ejection), of(other)), ['api.mesh', 'web.mesh'])
  deepEqual(changedEjections(of(ejection), of({ ...ejection, untilMs: 6000 })), ['web.mesh'])
  deepEqual(changedEjections(of(ejection), of({ ...ejection, reason: 'else' })), [])
})

test('of a host name each address is ejected by itself, and the name is out when all are', () => {
  const at = (address: string) => ({ ...ejection, target: `web.test:80@${address}`, addresses: 2 })
  const [one, two] = [at('10.0.0.1:80'), at('10.0.0.2:80')]
  const key = ejectionKey(one.upstream, one.target)
  equal(key, 'mesh/ejections/web.mesh/web.test:80@10.0.0.1:80')
  deepEqual([...ejectionsIn(rows({ [key]: ejectionText(one) })).values()], [one])
  const all = [one, two, ejection]
  deepEqual(ejectionsOf(all, 'web.mesh', 'web.test:80'), [one, two])
  deepEqual(ejectionsOf(all, 'web.mesh', '10.0.0.1:80'), [ejection])
  deepEqual([[], [one], [one, one], [one, two], [ejection]].map(isWhollyOut), [
    false,
    false,
    false,
    true,
    true,
  ])
})
