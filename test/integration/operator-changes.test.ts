import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { ChangeRecord } from '../../operator/sync/change-log.ts'
import { type Stack, startStack } from '../support/operator-stack.ts'
import { waitFor } from '../support/wait-for.ts'

let stack: Stack
before(async () => {
  stack = await startStack()
  await stack.startOperator()
})
after(() => stack.stop())

const instance = (name: string, at: number) => ({
  Name: name,
  ID: `${name}-${at}`,
  Address: '127.0.0.1',
  Port: 9000 + at,
  Check: { TTL: '600s', Status: 'passing' },
})
const get = async (query: string) => {
  const answer = await fetch(`${stack.operator().url}/api/v1/mesh/v2/changes${query}`)
  return { status: answer.status, body: (await answer.json()) as { changes: ChangeRecord[]; total: number } }
}
const changeOf = (service: string, reason: RegExp) =>
  waitFor(
    async () => (await get(`?service=${service}`)).body.changes.find((change) => reason.test(change.reason)),
    { what: `a change of ${service} because of ${reason}` },
  )

test('a registration, a failing check and an edit in KV are told with reason and diff', async () => {
  await stack.consul.register(instance('web', 1))
  const first = await changeOf('web', /registered/)
  deepEqual([first.result, first.error], ['applied', null])
  ok(first.diff.some(({ action, kind, name }) => `${action} ${kind} ${name}` === 'create upstream web.mesh'))
  await stack.consul.register(instance('web', 2))
  await waitFor(async () => Object.keys(await stack.weights('web')).length === 2)
  await stack.settled()

  await stack.consul.setCheck('service:web-1', 'fail')
  const critical = await changeOf('web', /critical/)
  match(critical.reason, /^check service:web-1 of web-1 critical$/)
  const [target] = critical.diff
  deepEqual(
    [target?.action, target?.name, target?.fields.find(({ field }) => field === 'weight')],
    ['update', '127.0.0.1:9001', { field: 'weight', from: 100, to: 0 }],
  )

  await stack.consul.setKey('mesh/services/web', { retries: 1 })
  const edited = await changeOf('web', /KV mesh\/services\/web written/)
  deepEqual(edited.diff[0]?.fields.find(({ field }) => field === 'retries')?.to, 1)
})

test('a query that makes no sense is refused by name', async () => {
  for (const query of ['?limit=0', '?limit=-1', '?limit=x', '?limit=1001', '?since=1']) {
    const { status, body } = await get(query)
    const { error, detail } = body as unknown as {
      error: { code: string; message: string; details: { field: string }[] }
      detail: string
    }
    equal(status, 422, query)
    deepEqual([error.code, error.details[0]?.field, detail], ['invalid', query.slice(1, 6), error.message])
  }
})
