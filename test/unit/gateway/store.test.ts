import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { type Change, type Row, Store } from '../../../kong/gateway/store.ts'

const row = (id: string, more: Partial<Row> = {}): Row => ({
  id,
  created_at: 1,
  updated_at: 1,
  tags: null,
  ...more,
})

test('rows come in the order of their ids, from wherever a page starts', () => {
  const store = new Store()
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

test('a changed row is found by its new name, tags and parent only', () => {
  const store = new Store()
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

test('listeners hear of what was and what is, at once, until they stop listening', () => {
  const store = new Store()
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

test('replacing all rows tells listeners of what differs only', () => {
  const store = new Store()
  store.put('services', row('kept', { name: 'web' }))
  store.put('services', row('gone'))
  store.put('upstreams', row('gone'))
  const heard: string[] = []
  store.onChange(({ collection, id, after }) =>
    heard.push(`${collection} ${id} ${after ? 'put' : 'deleted'}`),
  )
  store.replaceAll(new Map([['services', [row('kept', { name: 'web' }), row('new')]]]))
  deepEqual(heard.sort(), ['services gone deleted', 'services new put', 'upstreams gone deleted'])
  deepEqual(
    [...store.all('services')].map(({ id }) => id),
    ['kept', 'new'],
  )
})
