import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { KongAdmin } from '../../../operator/kong/kong-admin.ts'
import { kongError } from '../../../operator/kong/kong-error.ts'
import { readTargets } from '../../../operator/kong/read-state.ts'
import { KongMirror } from '../../../operator/sync/kong-mirror.ts'
import { type KongReadOptions, KongReads } from '../../../operator/sync/kong-reads.ts'
import { readSpread } from '../../../operator/sync/read-spread.ts'
import { silentLogger } from '../../../operator/telemetry/logger.ts'
import { desire, instance } from '../core/build-mesh.ts'

const { state } = desire({ web: [instance(1)] })

/** Kong answers 500 to the first `failures` readings. */
function readsOf(failures: number) {
  const mirror = new KongMirror()
  let asked = 0
  const read = async () => {
    asked += 1
    if (asked <= failures) throw kongError('GET', '/services', 500, null)
    return state
  }
  const options: unknown = {
    kong: { isDbless: true, read },
    mirror,
    log: silentLogger,
    signal: new AbortController().signal,
    connection: () => ({ isUp: true, report: () => {} }),
    onRead: () => {},
  }
  return { mirror, reads: new KongReads(options as KongReadOptions) }
}

test('who begins to lead reads Kong until it has been read', async () => {
  const { mirror, reads } = readsOf(2)
  await reads.anew()
  assert.equal(mirror.size, state.size)
})

test('a resync that Kong refuses to answer is tried again', async () => {
  const { mirror, reads } = readsOf(2)
  await reads.spread()
  assert.equal(mirror.size, state.size)
})

test('an upstream removed while Kong is read has no targets, and ends no reading', async () => {
  const gone = async () => {
    throw kongError('GET', '/upstreams/u/targets', 404, { message: 'Not found' })
  }
  assert.deepEqual(await readTargets({ list: gone } as unknown as KongAdmin, 'u'), [])
})

test('a target of an upstream that Kong does not list is gone with the next resync', async () => {
  const mirror = new KongMirror()
  mirror.replace(state)
  const target = [...state.values()].find(({ kind }) => kind === 'target')!
  // As an answer that was rubbish has left it.
  const stray = { ...target, id: '', parent: '\u0000' }
  mirror.set(stray)
  const admin = { list: async () => [] } as unknown as KongAdmin
  await readSpread(admin, mirror, {
    mesh: { mesh: 'default' } as KongReadOptions['mesh'],
    signal: new AbortController().signal,
  })
  assert.deepEqual(
    [...mirror.values()].filter(({ kind }) => kind === 'target'),
    [],
  )
})
