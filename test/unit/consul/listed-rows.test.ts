import { deepEqual } from 'node:assert/strict'
import test from 'node:test'
import type { ConsulReader, ReadOptions } from '../../../operator/consul/consul-reader.ts'
import { listedRows } from '../../../operator/consul/listed-rows.ts'
import { ANYTHING, type Expectation } from '../../../operator/consul/pending-reads.ts'
import type { RawCheck, RawNodeDump, RawService } from '../../../operator/consul/raw-rows.ts'
import { readServices } from '../../../operator/consul/read-services.ts'

const service = (name: string, id: string): RawService => ({
  ID: id,
  Service: name,
  Address: '',
  Port: 80,
  Tags: null,
  Meta: null,
  ModifyIndex: 7,
})
const check = (node: string, id: string, serviceId: string, status = 'passing'): RawCheck => ({
  Node: node,
  CheckID: id,
  Name: id,
  Status: status,
  ServiceID: serviceId,
  ServiceName: '',
  ModifyIndex: 7,
})
const dump: readonly RawNodeDump[] = [
  {
    Node: 'n1',
    Address: '10.0.0.1',
    Services: [service('web', 'web-1'), service('api', 'api-1')],
    Checks: [check('n1', 'c:web-1', 'web-1'), check('n1', 'serfHealth', ''), check('n1', 'c:api-1', 'api-1')],
  },
  { Node: 'n2', Address: '10.0.0.2', Services: [service('web', 'web-2')], Checks: null },
  { Node: 'n3', Address: '10.0.0.3', Services: null, Checks: [] },
]

test('a listing shows a service as a read of it does: each instance with its node, the checks of that and its own', () => {
  const { rows, index } = listedRows(dump, new Set(['web', 'gone']), 9n)
  deepEqual([...rows.keys()], ['web'])
  deepEqual(index, 9n)
  const told = rows
    .get('web')!
    .map((row) => [row.Node, row.Service.ID, row.Checks?.map((each) => each.CheckID)])
  deepEqual(told, [
    [{ Node: 'n1', Address: '10.0.0.1' }, 'web-1', ['serfHealth', 'c:web-1']],
    [{ Node: 'n2', Address: '10.0.0.2' }, 'web-2', []],
  ])
})

/** Which of the services are asked for, with web listed at index 9. */
async function asked(expected: Readonly<Record<string, Expectation>>, rows = dump): Promise<string[]> {
  const questions: string[] = []
  const answer = async (name: string, { stale }: ReadOptions = {}) => {
    questions.push(`${name}${stale === true ? '' : ' of the leader'}`)
    return {
      body: [{ Node: { Node: 'n', Address: '' }, Service: service(name, name), Checks: [] }],
      index: 30n,
    }
  }
  const listed = listedRows(rows, new Set(['web']), 9n)
  await readServices(Object.entries(expected), {
    reader: { service: answer } as unknown as ConsulReader,
    signal: new AbortController().signal,
    parallel: 1,
    listed: (name) => {
      const body = listed.rows.get(name)
      return body === undefined ? undefined : { body, index: listed.index }
    },
    isExpected: () => true,
  })
  return questions
}

test('what was listed is not read, what was not is', async () => {
  deepEqual(await asked({ web: { ...ANYTHING, minIndex: 9n }, api: ANYTHING }), ['api'])
})

test('a service that changed after it was listed is read', async () => {
  deepEqual(await asked({ web: { ...ANYTHING, minIndex: 10n } }), ['web'])
})

test('a listing that shows a check in trouble that recovered is too old', async () => {
  const [first, ...others] = dump
  const troubled = [{ ...first!, Checks: [check('n1', 'c:web-1', 'web-1', 'critical')] }, ...others]
  deepEqual(await asked({ web: { minIndex: 0n, recovered: new Set(['n1/c:web-1']) } }, troubled), ['web'])
})
