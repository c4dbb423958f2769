// Answers of Consul that are not what they should be: refused as a whole, or nothing that reads them stumbles.
import { deepEqual, doesNotThrow, equal, rejects, throws } from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { shaped } from '../../../operator/consul/answer-shape.ts'
import { CatalogTable } from '../../../operator/consul/catalog-table.ts'
import {
  checkTable,
  nameTable,
  touchedByChecks,
  touchedNames,
} from '../../../operator/consul/check-changes.ts'
import { ConsulError } from '../../../operator/consul/consul-error.ts'
import { type ConsulReader, createConsulReader } from '../../../operator/consul/consul-reader.ts'
import { listedRows } from '../../../operator/consul/listed-rows.ts'
import { nodeIds } from '../../../operator/consul/other-consul.ts'
import type { RawCheck, RawNode, RawNodeDump, RawServiceRow } from '../../../operator/consul/raw-rows.ts'
import { servicesThatDiffer } from '../../../operator/consul/service-table.ts'
import { createConsulLock } from '../../../operator/leader/consul-lock.ts'
import { createMetrics } from '../../../operator/telemetry/metrics.ts'
import { fuzzCases } from '../../support/fuzz-cases.ts'
import { oddAnswer } from '../../support/odd-answers.ts'
import { type ScriptedServer, startScriptedServer } from '../../support/scripted-server.ts'
import { seededRandom } from '../../support/seeded-random.ts'

const RUNS = fuzzCases(5_000)
const SEED = Number(process.env['FUZZ_SEED'] ?? 20261128)

const check = {
  Node: 'n1',
  CheckID: 'service:web-1',
  Name: 'alive',
  Status: 'critical',
  ServiceID: 'web-1',
  ServiceName: 'web',
  ModifyIndex: 12,
}
const service = {
  ID: 'web-1',
  Service: 'web',
  Kind: '',
  Address: '10.0.0.1',
  Port: 80,
  Tags: ['a'],
  Meta: { version: '1' },
  Weights: { Passing: 1, Warning: 1 },
  ModifyIndex: 11,
}
const node = { ID: 'b1', Node: 'n1', Address: '10.0.0.1', Meta: { zone: 'a' } }
const nobody = new CatalogTable()
nobody.take('web', { body: [{ Node: node, Service: service, Checks: [check] }], index: 12n })

/** A good answer of each endpoint, and what reads it. */
const READ: Readonly<Record<string, readonly [good: unknown, readers: (body: never) => unknown]>> = {
  'health.state': [[check], (body: readonly RawCheck[]) => touchedByChecks(new Map(), checkTable(body))],
  'catalog.service.list': [
    { consul: [], web: ['a', 'b'] },
    (body: Record<string, readonly string[]>) => touchedNames(new Map(), nameTable(body)),
  ],
  'catalog.node.list': [[node], (body: readonly RawNode[]) => nodeIds(body)],
  'health.service': [
    [{ Node: node, Service: service, Checks: [check] }],
    (body: readonly RawServiceRow[]) => new CatalogTable().take('web', { body, index: 1n }),
  ],
  'internal.ui.nodes': [
    [{ Node: 'n1', Address: '10.0.0.1', Checks: [check], Services: [service] }],
    (body: readonly RawNodeDump[] | null) => {
      if (!Array.isArray(body)) return
      listedRows(body, new Set(['web']), 12n)
      servicesThatDiffer(
        nobody.services,
        body.map((each) => ({ node: each.Node, services: each.Services ?? [] })),
      )
    },
  ],
}

test('good answers pass as they are, and a list that is null is empty', () => {
  for (const [endpoint, [good]] of Object.entries(READ)) equal(shaped(endpoint, good), good)
  deepEqual(shaped('health.service', null), [])
  throws(() => shaped('health.service', {}), /not Consul's: \{\}/)
})

for (const [endpoint, [good, readers]] of Object.entries(READ)) {
  test(`${RUNS} odd answers of ${endpoint} are refused, or nothing stumbles that reads them`, () => {
    const random = seededRandom(SEED)
    const answered = { status: 200, headers: {}, body: JSON.stringify(good) }
    let refused = 0
    for (let run = 0; run < RUNS; run++) {
      const { body } = oddAnswer(answered, random)
      const json = jsonOf(body)
      if (json === undefined) continue
      let taken: unknown
      try {
        taken = shaped(endpoint, json)
      } catch {
        refused += 1
        continue
      }
      doesNotThrow(() => readers(taken as never), `FUZZ_SEED=${SEED}, run ${run}: ${body.slice(0, 2_000)}`)
    }
    equal(refused > 0, true)
  })
}

const jsonOf = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

let server: ScriptedServer
let reader: ConsulReader
before(async () => {
  server = await startScriptedServer()
  reader = createConsulReader({ url: server.url }, createMetrics('0.0.0'))
})
after(async () => {
  reader.close()
  await server.close()
})

const answers = (body: string, status = 200) =>
  server.script({ status, headers: { 'content-type': 'application/json', 'x-consul-index': '7' }, body })

test('a row of KV that is null fails the read, not the process', async () => {
  answers('[null]')
  await rejects(reader.keys('mesh/'), (error) => error instanceof ConsulError)
  const lock = createConsulLock({ url: server.url }, { key: 'mesh/leader', serviceId: 'me' })
  const signal = new AbortController().signal
  await rejects(lock.read({ index: 0n, waitMs: 10, signal }), (error) => error instanceof ConsulError)
  lock.close()
})

test('keys are text, a key without value is null, and where there is none there are no rows', async () => {
  answers('[{"Key":"mesh/a","Value":"w6Q=","ModifyIndex":3},{"Key":"mesh/b","Value":null,"ModifyIndex":4}]')
  const { body, index } = await reader.keys('mesh/')
  deepEqual([body.map(({ Value }) => Value), index], [['ä', null], 7n])
  answers('', 404)
  deepEqual(await reader.keys('mesh/'), { body: [], index: 7n, isFiltered: false })
})
