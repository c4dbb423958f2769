import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import {
  type ConfigDocument,
  EMPTY_CONFIG,
  mergeConfig,
  stateOfConfig,
  weightedTargets,
} from '../../../operator/core/declarative-config.ts'
import { type Change, diff } from '../../../operator/core/diff.ts'
import type { KongState } from '../../../operator/core/entity.ts'
import { desire, instance, withCheck } from './build-mesh.ts'

const THEIRS: ConfigDocument = {
  _format_version: '3.0',
  _transform: false,
  consumers: [{ id: 'c1', username: 'ann', tags: null }],
  keyauth_credentials: [{ id: 'k1', key: 'secret', consumer: 'c1' }],
  certificates: [{ id: 'x1', cert: '-----BEGIN', key: '-----BEGIN' }],
  services: [{ id: 's1', name: 'theirs', host: 'theirs-up', created_at: 5, tags: ['a'] }],
  routes: [{ id: 'r1', name: 'theirs', service: 's1', paths: ['/t'], tags: null }],
  plugins: [{ id: 'p1', name: 'key-auth', service: 's1', config: { key_names: ['k'] } }],
  upstreams: [{ id: 'u1', name: 'theirs-up' }],
  targets: [{ id: 't1', upstream: 'u1', target: '10.0.0.9:80', weight: 7 }],
}

const wanted: KongState = desire({ web: [instance(1)] }).state
const service = [...wanted.values()].find(({ kind }) => kind === 'service')!
const changesTo = (document: ConfigDocument, state: KongState): readonly Change[] =>
  diff(stateOfConfig(document), state, { mesh: 'default', policy: 'revert' }).changes
const merged = (document: ConfigDocument, state: KongState, nowSeconds = 1000): ConfigDocument =>
  mergeConfig(document, changesTo(document, state), nowSeconds).document

test('what was merged is what was wanted: nothing is left to change', () => {
  for (const before of [EMPTY_CONFIG, THEIRS]) deepEqual(changesTo(merged(before, wanted), wanted), [])
})

test('rows of others stay as they are, those of unknown collections too', () => {
  const after = merged(THEIRS, wanted)
  for (const [collection, rows] of Object.entries(THEIRS)) {
    if (!Array.isArray(rows)) equal(after[collection], rows)
    else deepEqual((after[collection] as unknown[]).slice(0, rows.length), rows)
  }
})

test('taking away all of ours gives back what was there', () => {
  deepEqual(merged(merged(THEIRS, wanted), new Map()), THEIRS)
  deepEqual(merged(merged(EMPTY_CONFIG, wanted), new Map()), EMPTY_CONFIG)
})

test('references are ids, and new rows have the time they were made', () => {
  const after = merged(EMPTY_CONFIG, wanted, 1234)
  const [upstream] = after.upstreams as { id: string; created_at: number }[]
  const [target] = after.targets as { upstream: string }[]
  const [service] = after.services as { id: string }[]
  const [route] = after.routes as { service: string }[]
  equal(target!.upstream, upstream!.id)
  equal(route!.service, service!.id)
  equal(upstream!.created_at, 1234)
})

test('of a row that is there only what changed is replaced', () => {
  const before = merged(THEIRS, wanted, 1)
  const { state } = desire({ web: [withCheck(1, 'critical'), instance(2)] })
  const { document, written } = mergeConfig(before, changesTo(before, state), 2)
  deepEqual(
    [...written].map((key) => key.split('/')[0]),
    ['target', 'target'],
  )
  const targets = document.targets as { weight: number; created_at: number }[]
  deepEqual(
    targets.map(({ weight, created_at }) => [weight, created_at]),
    [
      [7, undefined],
      [0, 1],
      [100, 2],
    ],
  )
  equal(document.services, before.services)
})

test('a document that has everything is not written', () => {
  const document = merged(THEIRS, wanted)
  const creations = changesTo(EMPTY_CONFIG, wanted)
  const again = mergeConfig(document, creations, 99)
  equal(again.document, document)
  equal(again.written.size, 0)
})

test('a plugin of others goes with the service it is for, as Kong takes it along', () => {
  const before = merged(THEIRS, wanted)
  const document: ConfigDocument = {
    ...before,
    plugins: [...(before.plugins as []), { id: 'p2', name: 'cors', service: service.id }],
  }
  const removal: Change = { action: 'delete', entity: service, before: service, fields: [], service: 'web' }
  deepEqual(mergeConfig(document, [removal], 1).document.plugins, THEIRS.plugins)
})

test('targets that get traffic are known by upstream', () => {
  const document = {
    targets: [...(THEIRS.targets as []), { id: 't2', upstream: 'u1', target: '10.0.0.8:80', weight: 0 }],
  }
  deepEqual(weightedTargets(document, 'u1'), ['10.0.0.9:80'])
})
