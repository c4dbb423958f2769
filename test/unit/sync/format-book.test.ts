import { deepEqual, equal, match } from 'node:assert/strict'
import { test } from 'node:test'
import { diff } from '../../../operator/core/diff.ts'
import { type Entity, keyOf } from '../../../operator/core/entity.ts'
import { FORMAT, FORMAT_KEY, formatText } from '../../../operator/core/format.ts'
import type { KvWrite } from '../../../operator/core/settings-status.ts'
import { ownTags } from '../../../operator/core/tags.ts'
import { FormatBook } from '../../../operator/sync/format-book.ts'
import { silentLogger } from '../../../operator/telemetry/logger.ts'

function bookThat({ leads = true } = {}) {
  const written: KvWrite[] = []
  const changes: (string | null)[] = []
  const book: FormatBook = new FormatBook({
    writer: { write: async (write) => written.push(write) > 0 },
    log: silentLogger,
    version: '1.2.3',
    isActive: () => leads && book.refusal === null,
    onChange: () => changes.push(book.refusal),
  })
  return { book, written, changes }
}
const rows = (text: string, index = 7) => new Map([[FORMAT_KEY, { text, index }]])
const mine = { key: FORMAT_KEY, text: formatText('1.2.3') }

test('the one that leads writes the format where none is told, or an older one, and no other', () => {
  const empty = bookThat()
  empty.book.setRows(new Map())
  deepEqual(empty.written, [{ ...mine, index: 0 }])
  const older = bookThat()
  older.book.setRows(rows('{"format": 0, "kongsul": "0.0.1"}'))
  deepEqual(older.written, [{ ...mine, index: 7 }])
  const same = bookThat()
  same.book.setRows(rows(`{"format": ${FORMAT}, "kongsul": "9.9.9"}`))
  deepEqual(same.written, [])
  const follower = bookThat({ leads: false })
  follower.book.setRows(new Map())
  deepEqual(follower.written, [])
})

test('a newer format, or what is no format, stops writing until it is gone', () => {
  for (const text of [`{"format": ${FORMAT + 1}}`, '{"format": "two"}', 'x', 'null']) {
    const { book, written, changes } = bookThat()
    book.setRows(rows(text))
    match(book.refusal!, /^FORMAT_NEWER: .*mesh\/format.*nothing is written/)
    deepEqual(written, [], text)
    book.setRows(new Map())
    equal(book.refusal, null)
    deepEqual([changes.length, written.length], [2, 1], text)
  }
})

test('an entity whose tags have a newer format is neither changed, removed nor taken for edited; it is told', () => {
  const fields = { algorithm: 'round-robin' }
  const wanted: Entity = {
    ...{ kind: 'upstream', id: 'id', name: 'web.mesh', owner: 'web', parent: '', fields },
    tags: ownTags('default', 'web', fields),
  }
  const edited = { ...wanted, fields: { algorithm: 'least-connections' } }
  const of = (tags: readonly string[], isWanted = true) => {
    const entity = { ...edited, tags: [...wanted.tags, ...tags] }
    const state = isWanted ? new Map([[keyOf(wanted), wanted]]) : new Map()
    const { changes, overrides, conflicts } = diff(new Map([[keyOf(entity), entity]]), state, {
      mesh: 'default',
      policy: 'keep',
    })
    return [changes.length, overrides.length, conflicts.map(({ code }) => code)]
  }
  deepEqual(of([]), [1, 1, []], 'without one: an edit')
  deepEqual(of([`kongsul.format:${FORMAT}`]), [1, 1, []], 'of the same')
  deepEqual(of([`kongsul.format:${FORMAT + 1}`]), [0, 0, ['FORMAT_NEWER']])
  deepEqual(of(['kongsul.format:x']), [0, 0, ['FORMAT_NEWER']])
  deepEqual(of([`kongsul.format:${FORMAT + 1}`], false), [0, 0, []], 'not removed')
})
