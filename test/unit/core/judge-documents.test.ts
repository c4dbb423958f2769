import { deepEqual, equal, match } from 'node:assert/strict'
import { test } from 'node:test'
import { judgeDocuments, type VerdictOf } from '../../../operator/core/plugin-settings/judge-documents.ts'
import { type AcceptedSettings, acceptSettings, type Judge } from '../../../operator/core/settings.ts'
import { acceptDocuments } from '../../../operator/core/settings-status.ts'
import { instance } from './build-mesh.ts'

const [ALL, WEB, API] = ['mesh/defaults', 'mesh/services/web', 'mesh/services/api']

/** As Kong: a longer period may not allow less. */
const kong: VerdictOf = ({ fields }) => {
  const [second, minute] = [Number(fields['config.second'] ?? 0), Number(fields['config.minute'] ?? Infinity)]
  return minute < second ? ['rateLimit.minute is refused by Kong: too low'] : []
}
const silent: VerdictOf = () => null
const judgeBy =
  (verdictOf: VerdictOf): Judge =>
  (layers, before) =>
    judgeDocuments(layers, before, verdictOf, null)

const limit = (rateLimit: object) => JSON.stringify({ rateLimit })
const accept = (
  documents: Record<string, string>,
  before: AcceptedSettings | null = null,
  verdictOf = kong,
) => acceptSettings(before, new Map(Object.entries(documents)), judgeBy(verdictOf))
const minuteOf = ({ accepted }: { accepted: AcceptedSettings }, service = 'web') =>
  accepted.forService(service, [instance(1)]).settings.rateLimit.minute

test('a document that Kong refuses is refused by field and the last good one stays', () => {
  const good = accept({ [WEB]: limit({ second: 1, minute: 60 }) })
  const bad = accept({ [WEB]: limit({ second: 10, minute: 5 }) }, good.accepted)
  match(bad.refused.get(WEB)!.errors[0]!, /^rateLimit\.minute is refused by Kong/)
  equal(minuteOf(bad), 60)
})

test('a document is judged together with the defaults below it', () => {
  const both = accept({ [ALL]: limit({ second: 10 }), [WEB]: limit({ minute: 5 }) })
  deepEqual([...both.refused.keys()], [WEB])
  equal(minuteOf(both), null)
})

test('new defaults that fit a service no longer are refused, not the service', () => {
  const before = accept({ [ALL]: limit({ second: 1 }), [WEB]: limit({ minute: 5 }) })
  const after = accept({ [ALL]: limit({ second: 10 }), [WEB]: limit({ minute: 5 }) }, before.accepted)
  deepEqual([...after.refused.keys()], [ALL])
  match(after.refused.get(ALL)!.errors[0]!, /together with mesh\/services\/web/)
  deepEqual([minuteOf(after), after.accepted.mesh.settings.rateLimit.second], [5, 1])
})

test('what Kong cannot be asked about waits, refused by nobody, and the others go on', () => {
  const before = accept({ [WEB]: limit({ minute: 5 }), [API]: '{}' })
  const changed = { [WEB]: limit({ minute: 7 }), [API]: '{"retries":1}' }
  const waiting = accept(changed, before.accepted, silent)
  deepEqual([[...waiting.pending], waiting.refused.size, minuteOf(waiting)], [[WEB], 0, 5])
  equal(waiting.accepted.forService('api', [instance(1)]).settings.retries, 1)
  equal(minuteOf(accept(changed, waiting.accepted)), 7)
})

test('at the start what Kong cannot be asked about is used: there is nothing that could stand in', () => {
  const first = accept({ [WEB]: limit({ minute: 5 }) }, null, silent)
  deepEqual([minuteOf(first), [...first.pending]], [5, [WEB]])
})

test('after a restart the last good document of KV stands in for one that Kong refuses', () => {
  const status = {
    state: 'refused',
    document: WEB,
    errors: [],
    since: '2026-01-01T00:00:00Z',
    lastGood: limit({ minute: 60 }),
  }
  const rows = new Map([['mesh/status/web', { text: JSON.stringify(status), index: 1 }]])
  const documents = new Map([[WEB, limit({ second: 10, minute: 5 })]])
  const result = acceptDocuments(null, documents, rows, judgeBy(kong))
  deepEqual([minuteOf(result), [...result.refused.keys()]], [60, [WEB]])
})

test('documents that ask for no plugin are not judged', () => {
  const asked: unknown[] = []
  accept({ [ALL]: '{"retries":2}', [WEB]: '{"timeouts":{"readMs":5}}' }, null, (config) => {
    asked.push(config)
    return []
  })
  deepEqual(asked, [])
})
