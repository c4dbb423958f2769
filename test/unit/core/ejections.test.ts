import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import {
  changedEjections,
  type Ejection,
  ejectionKey,
  ejectionsIn,
  ejectionText,
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
