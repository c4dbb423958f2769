import { deepEqual, equal, match, rejects } from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type Change, type Row, Store } from '../../../kong/gateway/store.ts'

const row = (id: string, more: Partial<Row> = {}): Row => ({
  id,
  created_at: 1,
  updated_at: 1,
  tags: null,
  ...more,
})

test('rows come in the order of their ids, from wherever a page starts', async () => {
  const store = await Store.open()
  for (const id of ['c', 'a', 'b']) store.put('services', row(id))
  deepEqual(
    [...store.all('services')].map(({ id }) => id),
    ['a', 'b', 'c'],
  )
  deepEqual(
    [...store.all('services', 'a')].map(({ id }) => id),
    ['b', 'c'],
  )
})

test('a changed row is found by its new name, tags and parent only', async () => {
  const store = await Store.open()
  store.put('routes', row('r', { name: 'old', tags: ['x'], service: { id: 's1' } }))
  store.put('routes', row('r', { name: 'new', tags: ['y'], service: { id: 's2' } }))
  equal(store.find('routes', 'name', 'old'), undefined)
  equal(store.find('routes', 'name', 'new')?.id, 'r')
  deepEqual([...store.tagged('routes', 'x')], [])
  deepEqual(
    [...store.children('routes', 'service', 's2')].map(({ id }) => id),
    ['r'],
  )
  deepEqual([...store.children('routes', 'service', 's1')], [])
})

test('listeners hear of what was and what is, at once, until they stop listening', async () => {
  const store = await Store.open()
  const heard: Change[] = []
  const stop = store.onChange((change) => heard.push(change))
  store.put('services', row('s'))
  store.delete('services', 's')
  store.delete('services', 's')
  stop()
  store.put('services', row('t'))
  deepEqual(
    heard.map(({ before, after }) => [before?.id, after?.id]),
    [
      [undefined, 's'],
      ['s', undefined],
    ],
  )
})

describe('a state file', () => {
  let folder: string
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'gateway-state-'))
  })
  after(() => rmSync(folder, { recursive: true }))

  test('brings rows back after a restart, and leaves no other file', async () => {
    const path = join(folder, 'state.json')
    const store = await Store.open(path)
    store.put('services', row('s', { name: 'web' }))
    store.put('services', row('t'))
    store.delete('services', 't')
    await store.close()
    const again = await Store.open(path)
    deepEqual([...again.all('services')], [row('s', { name: 'web' })])
    equal(again.find('services', 'name', 'web')?.id, 's')
    await again.close()
    deepEqual(readdirSync(folder), ['state.json'])
  })

  test('that is broken is named, and stays as it was', async () => {
    const path = join(folder, 'broken.json')
    for (const text of ['{"format"', '[]', '{"format":"kongsul-gateway-1","services":[{}]}']) {
      writeFileSync(path, text)
      await rejects(Store.open(path), (error: Error) => {
        match(error.message, /broken\.json is broken/)
        return true
      })
      equal(readFileSync(path, 'utf8'), text)
    }
    rmSync(path)
  })

  test('that cannot be written makes close fail with its name', async () => {
    const store = await Store.open(join(folder, 'nowhere', 'state.json'))
    store.put('services', row('s'))
    await rejects(store.close(), /nowhere/)
  })
})
