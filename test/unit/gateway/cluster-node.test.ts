import { deepEqual, equal, match, rejects } from 'node:assert/strict'
import {
  appendFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, beforeEach, test } from 'node:test'
import { ClusterNode } from '../../../kong/gateway/cluster/cluster-node.ts'
import { acquireLock } from '../../../kong/gateway/cluster/file-lock.ts'
import type { Row, Store } from '../../../kong/gateway/store.ts'
import { waitFor } from '../../support/wait-for.ts'

const row = (id: string, more: Partial<Row> = {}): Row => ({
  id,
  created_at: 1,
  updated_at: 1,
  tags: null,
  ...more,
})

const idsOf = (store: Store): string[] => [...store.all('services')].map(({ id }) => id)

let folder: string
let path: string
let nodes: ClusterNode[]

before(() => {
  folder = mkdtempSync(join(tmpdir(), 'gateway-state-'))
})
after(() => rmSync(folder, { recursive: true }))
beforeEach(() => {
  path = join(mkdtempSync(join(folder, 'test-')), 'state.json')
  nodes = []
})
afterEach(async () => {
  for (const node of nodes) await node.close()
})

async function open(nodeId = 'node', updateMs = 60_000): Promise<ClusterNode> {
  const onProblem = (error: unknown) => {
    throw error
  }
  const node = await ClusterNode.open({ path, nodeId, updateMs, onProblem })
  nodes.push(node)
  return node
}

test('rows and the hash of their configuration come back after a restart, and no other file is left', async () => {
  const node = await open()
  await node.write(() => {
    node.database.put('services', row('s', { name: 'web' }))
    node.database.put('services', row('t'))
    node.database.configurationHash = 'abc'
  })
  await node.write(() => node.database.delete('services', 't'))
  const again = await open()
  deepEqual([...again.database.all('services')], [row('s', { name: 'web' })])
  deepEqual(idsOf(again.runtime), ['s'])
  equal(again.database.configurationHash, 'abc')
  deepEqual(readdirSync(join(path, '..')), ['state.json'])
})

test('a write is in every database at once, and in the data plane of its own node', async () => {
  const [one, two] = [await open('one'), await open('two')]
  await one.write(() => one.database.put('services', row('s')))
  two.refresh()
  deepEqual(idsOf(two.database), ['s'])
  deepEqual([idsOf(one.runtime), idsOf(two.runtime)], [['s'], []])
})

test('a write sees what every other node has written before', async () => {
  const [one, two] = [await open('one'), await open('two')]
  await one.write(() => one.database.put('services', row('s', { name: 'web' })))
  equal(await two.write(() => two.database.find('services', 'name', 'web')?.id), 's')
})

test('the data plane follows other nodes after the update interval', async () => {
  const [one, two] = [await open('one'), await open('two', 20)]
  two.follow(() => {})
  await one.write(() => one.database.put('services', row('s')))
  await waitFor(() => two.runtime.get('services', 's') !== undefined, { what: 'the row' })
})

test('marks reach the other nodes once each, but not nodes that start later', async () => {
  const [one, two] = [await open('one', 20), await open('two', 20)]
  const marks: string[] = []
  one.follow(({ target }) => marks.push(`one ${target}`))
  two.follow(({ target }) => marks.push(`two ${target}`))
  for (const target of ['a:1', 'b:1']) {
    await one.write(() => one.announce({ upstreamId: 'u', target, address: null, healthy: false }))
  }
  const three = await open('three', 20)
  three.follow(({ target }) => marks.push(`three ${target}`))
  await one.write(() => one.announce({ upstreamId: 'u', target: 'c:1', address: null, healthy: true }))
  await waitFor(() => marks.length >= 4, { what: 'four marks' })
  deepEqual(marks.sort(), ['three c:1', 'two a:1', 'two b:1', 'two c:1'])
})

test('work that throws is told to its caller only, and what it changed before is kept', async () => {
  const node = await open()
  const failed = node.write(() => {
    node.database.put('services', row('s'))
    throw new Error('no')
  })
  const fine = node.write(() => 'fine')
  await rejects(failed, /^Error: no$/)
  equal(await fine, 'fine')
  deepEqual(idsOf((await open()).database), ['s'])
})

test('what a killed writer left unfinished is passed over, and cut off by the next write', async () => {
  const node = await open()
  await node.write(() => node.database.put('services', row('s')))
  appendFileSync(path, '{"changes":[["services","torn",{"id":"to')
  const other = await open('other')
  deepEqual(idsOf(other.database), ['s'])
  await other.write(() => other.database.put('services', row('t')))
  node.refresh()
  deepEqual(idsOf(node.database), ['s', 't'])
  deepEqual(idsOf((await open()).database), ['s', 't'])
})

test('the lock of a process that is gone is taken over', async () => {
  const node = await open()
  // No process has the highest id there can be.
  symlinkSync(`${encodeURIComponent(hostname())}:4194304:1:abcdef`, `${path}.lock`)
  await node.write(() => node.database.put('services', row('s')))
  deepEqual(readdirSync(join(path, '..')), ['state.json'])
})

test('the lock of a process that lives is waited for, and named when it takes too long', async () => {
  const lock = await acquireLock(`${path}.lock`, { deadlineMs: 1_000 })
  await rejects(acquireLock(`${path}.lock`, { deadlineMs: 50 }), /state\.json\.lock is held by/)
  lock.release()
  const again = await acquireLock(`${path}.lock`, { deadlineMs: 1_000 })
  again.release()
})

test('a file that has grown is replaced by its rows, under the eyes of the other nodes', async () => {
  const [one, two] = [await open('one'), await open('two')]
  const text = 'x'.repeat(100_000)
  for (let n = 0; n < 20; n++) {
    await one.write(() => one.database.put('services', row('s', { name: `${n}${text}` })))
    if (n % 7 === 3) await two.write(() => two.database.put('services', row(`t${n}`)))
  }
  equal(readFileSync(path).length < 1_500_000, true)
  two.refresh()
  equal(two.database.get('services', 's')?.['name'], `19${text}`)
  deepEqual(idsOf(two.database), idsOf((await open()).database))
})

test('a file that was removed is made anew by the next write', async () => {
  const node = await open()
  await node.write(() => node.database.put('services', row('s')))
  rmSync(path)
  await node.write(() => node.database.put('services', row('t')))
  deepEqual(idsOf((await open()).database), ['s', 't'])
})

test('writes that are asked for when another one ends are done too', async () => {
  const node = await open()
  let done = 0
  const again = async (): Promise<void> => {
    for (let n = 0; n < 50; n++) {
      await node.write(() => node.database.put('services', row(`${n}`)))
      done++
    }
  }
  await Promise.all([again(), again(), again()])
  equal(done, 150)
})

test('a file of an older version, of one line without an end, is taken over', async () => {
  writeFileSync(path, JSON.stringify({ format: 'kongsul-gateway-1', services: [row('s')] }))
  const node = await open()
  await node.write(() => node.database.put('services', row('t')))
  deepEqual(idsOf((await open()).database), ['s', 't'])
})

test('a file that is broken is named, and stays as it was', async () => {
  const good = '{"format":"kongsul-gateway-1"}'
  for (const text of ['{"format"', '[]', '{"format":"kongsul-gateway-1","services":[{}]}', `${good}\nno\n`]) {
    writeFileSync(path, text)
    await rejects(open(), (error: Error) => {
      match(error.message, /state\.json is broken/)
      return true
    })
    equal(readFileSync(path, 'utf8'), text)
  }
})

test('a file that cannot be made is named', async () => {
  path = join(path, 'nowhere', 'state.json')
  await rejects(open(), /nowhere/)
})
