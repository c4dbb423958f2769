import { deepEqual, equal, match, rejects } from 'node:assert/strict'
import { test } from 'node:test'
import type { Json } from '../../../operator/core/entity.ts'
import { KongError, kongError } from '../../../operator/kong/kong-error.ts'
import { SchemaVerdicts } from '../../../operator/kong/schema-verdicts.ts'

const limit = (minute: number) => ({
  name: 'rate-limiting',
  fields: { 'config.minute': minute, 'config.second': null },
})

/** A Kong that answers so; what it was asked is in `bodies`. */
function kong(answer: (body: Json) => { readonly status: number; readonly body?: Json }) {
  const bodies: Json[] = []
  const call = async (method: string, path: readonly string[], body?: unknown) => {
    bodies.push(body as Json)
    const { status, body: said } = answer(body as Json)
    if (status >= 400) throw kongError(method, `/${path.join('/')}`, status, said)
    return null
  }
  return { bodies, verdicts: new SchemaVerdicts({ call }) }
}

test('each configuration is asked for once, as it would be written', async () => {
  const { bodies, verdicts } = kong(() => ({ status: 200 }))
  deepEqual([verdicts.of(limit(5)), verdicts.isWaiting], [null, true])
  equal(verdicts.of(limit(5)), null)
  equal(await verdicts.ask(), true)
  deepEqual([verdicts.of(limit(5)), verdicts.isWaiting, await verdicts.ask()], [[], false, false])
  deepEqual(bodies, [{ name: 'rate-limiting', config: { minute: 5, second: null } }])
})

test('two who ask at the same time ask Kong once', async () => {
  const { bodies, verdicts } = kong(() => ({ status: 200 }))
  verdicts.of(limit(5))
  await Promise.all([verdicts.ask(), verdicts.ask()])
  equal(bodies.length, 1)
})

test('a refusal is told by the setting', async () => {
  const body = {
    code: 2,
    message: 'schema violation',
    fields: { config: { minute: 'value must be greater than 0' } },
  }
  const { verdicts } = kong(() => ({ status: 400, body }))
  verdicts.of(limit(-1))
  await verdicts.ask()
  match(verdicts.of(limit(-1))![0]!, /^rateLimit\.minute is refused by Kong: value must be greater than 0/)
})

test('a Kong that hides the question refuses nothing, and one that fails is asked again', async () => {
  let status = 403
  const { bodies, verdicts } = kong(() => ({ status }))
  verdicts.of(limit(5))
  await verdicts.ask()
  deepEqual(verdicts.of(limit(5)), [])
  status = 500
  verdicts.of(limit(6))
  await rejects(verdicts.ask(), KongError)
  deepEqual([verdicts.of(limit(6)), verdicts.isWaiting], [null, true])
  status = 200
  await verdicts.ask()
  deepEqual([verdicts.of(limit(6)), bodies.length], [[], 3])
})

test('more configurations than are remembered are asked for once each, and what nobody asks for is forgotten', async () => {
  const { bodies, verdicts } = kong(() => ({ status: 200 }))
  const numbers = (from: number, count: number) => Array.from({ length: count }, (_, index) => from + index)
  const many = numbers(1, 5_100)
  for (const minute of many) verdicts.of(limit(minute))
  await verdicts.ask()
  for (const minute of many) verdicts.of(limit(minute))
  deepEqual([verdicts.isWaiting, bodies.length], [false, 5_100])
  for (const minute of [10_001, 10_002, 10_003]) {
    verdicts.of(limit(minute))
    await verdicts.ask()
  }
  equal(verdicts.of(limit(1)), null)
})
