// What Kong takes for the plugin and what the breaker takes must be the same: else a person's edit is answered with 200 by Kong
// and refused by the plugin, or settings of KV cannot be written to Kong.
import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { readSettings } from '../../../plugins/breaker/read-settings.ts'
import { readBreakerConfig } from '../../../plugins/mesh-circuit-breaker/config.ts'
import { schema } from '../../../plugins/mesh-circuit-breaker/schema.ts'

type Field = Readonly<Record<string, unknown>>
const INSTANCE = { pluginId: 'p', serviceId: 's1', routeId: null, sequence: 1, id: 1 }

const takes = (config: Field): boolean =>
  readSettings(readBreakerConfig(config, INSTANCE as never).settings).ok

/** Every number of a record, by its path. */
function* numbers(fields: readonly unknown[], path: readonly string[] = []): Generator<[string[], Field]> {
  for (const each of fields as readonly Record<string, Field>[]) {
    const [[name, field]] = Object.entries(each) as [[string, Field]]
    if (field.type === 'record') yield* numbers(field.fields as readonly unknown[], [...path, name])
    else if (field.between !== undefined) yield [[...path, name], field]
  }
}
const within = (path: readonly string[], value: unknown): Field =>
  path.reduceRight<unknown>((inner, name) => ({ [name]: inner }), value) as Field

/** Kong has one record for both circuits; a service circuit has neither. */
const NOT_OF_SERVICES = ['service.aborted_after_ms', 'service.ramp_seconds']

test('numbers that Kong takes the breaker takes, and no others', () => {
  let count = 0
  for (const [path, { type, between }] of numbers(schema)) {
    const name = path.join('.')
    if (NOT_OF_SERVICES.includes(name) || name.startsWith('refusal.')) continue
    const [least, most] = between as [number, number]
    const step = type === 'integer' ? 1 : 0.01
    const tried = [least - step, least, most, most + step, ...(type === 'integer' ? [least + 0.5] : [])]
    const takenByKong = tried.map(
      (value) => value >= least && value <= most && (type !== 'integer' || Number.isInteger(value)),
    )
    deepEqual(
      tried.map((value) => takes(within(path, value))),
      takenByKong,
      name,
    )
    count++
  }
  equal(count, 36)
})

test('any status that settings may name Kong takes', () => {
  const found = schema.find((each) => 'failure_statuses' in each) as unknown as {
    failure_statuses: { elements: { match: string } }
  }
  const pattern = new RegExp(found.failure_statuses.elements.match.replaceAll('%', '\\'))
  for (const status of ['100', '503', '999', '500-599', '600-799']) {
    equal(takes({ failure_statuses: [status] }), true, status)
    equal(pattern.test(status), true, status)
  }
})

test('a window in calls beside the one in seconds that Kong had before is what counts', () => {
  const window = { seconds: 10, buckets: 10, calls: 50 }
  deepEqual(readBreakerConfig({ window, service: { window } }, INSTANCE as never).settings, {
    window: { calls: 50 },
    service: { window: { calls: 50 } },
  })
})
