// Rows of Kong that are not what they should be: read or refused; whatever was read is compared, and what is to be written of it is.
import { equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { diff } from '../../../operator/core/diff.ts'
import { type Entity, keyOf } from '../../../operator/core/entity.ts'
import { bodyFor, entityFromKong, type JsonObject } from '../../../operator/core/kong-json.ts'
import { orderChanges } from '../../../operator/core/plan-order.ts'
import { isOwnedBy } from '../../../operator/core/tags.ts'
import { fuzzCases } from '../../support/fuzz-cases.ts'
import { oddAnswer } from '../../support/odd-answers.ts'
import { seededRandom } from '../../support/seeded-random.ts'
import { applied, desire, instance, KEEP, REVERT, withCheck } from './build-mesh.ts'

const RUNS = fuzzCases(20_000)
const SEED = Number(process.env['FUZZ_SEED'] ?? 20261128)

const wanted = desire(
  { web: [instance(1), withCheck(2, 'critical')], api: [instance(3)] },
  {
    documents: {
      'mesh/services/web': {
        rateLimit: { minute: 5 },
        circuitBreaker: {},
        routing: { hosts: ['web.example'], paths: ['/web/'] },
      },
    },
  },
).state
const held = [...applied(wanted).values()]

/** As Kong answers when it is asked for the entity's list. */
function rowOf(entity: Entity): JsonObject {
  const parents = { target: 'upstream', route: 'service', plugin: 'service' } as const
  const parent = parents[entity.kind as keyof typeof parents]
  const body = bodyFor(entity) as JsonObject
  return { ...body, created_at: 1, updated_at: 2, ...(parent ? { [parent]: { id: entity.parent } } : {}) }
}

const jsonOf = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
const isRow = (row: unknown): row is JsonObject => typeof row === 'object' && row !== null

test(`of ${RUNS} odd rows each is read or refused, and nothing is written to what is not ours`, () => {
  const random = seededRandom(SEED)
  let changed = 0
  for (let run = 0; run < RUNS; run++) {
    const entity = random.pick(held)
    const { body } = oddAnswer(
      { status: 200, headers: {}, body: JSON.stringify({ data: [rowOf(entity)] }) },
      random,
    )
    const where = `FUZZ_SEED=${SEED}, run ${run}: ${body.slice(0, 2_000)}`
    const page = jsonOf(body) as { data?: unknown } | null
    const rows = Array.isArray(page?.data) ? (page.data as unknown[]) : []
    try {
      const read = rows.filter(isRow).map((row) => entityFromKong(entity.kind, row))
      const rest = held.filter((each) => each !== entity)
      const actual = new Map([...rest, ...read].map((each) => [keyOf(each), each]))
      for (const options of [KEEP, REVERT]) {
        const { changes } = diff(actual, wanted, options)
        for (const step of orderChanges(changes))
          for (const change of step) equal(isRow(written(change)), true)
        const foreign = new Set(read.filter(isForeign).map(({ id }) => id))
        const touched = changes.filter(({ before }) => before !== null && foreign.has(before.id))
        ok(touched.length === 0, `${touched[0]?.action} of what is not ours`)
        changed += changes.length
      }
    } catch (error) {
      throw new Error(where, { cause: error })
    }
  }
  ok(changed > RUNS / 10, `${changed} changes`)
})

const written = ({ entity, fields, action }: ReturnType<typeof diff>['changes'][number]) =>
  bodyFor(entity, action === 'update' ? fields : undefined)

/** Without our tags, and with an id that is none of ours. */
function isForeign({ id, tags }: Entity): boolean {
  return !isOwnedBy('default', tags) && !held.some((each) => each.id === id)
}
