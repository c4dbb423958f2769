import { deepEqual, equal, match } from 'node:assert/strict'
import { test } from 'node:test'
import { BUILT_IN, type Settings } from '../../../operator/core/settings-defaults.ts'
import { FaultBook } from '../../../operator/sync/fault-book.ts'
import { silentLogger } from '../../../operator/telemetry/logger.ts'
import { waitFor } from '../../support/wait-for.ts'

const NOW = Date.now()
const iso = (afterMs: number) => new Date(NOW + afterMs).toISOString()

/** @param inForce faults of the settings in force; those of the text unless given */
function startBook(isLeading: boolean, text: string, inForce: object = JSON.parse(text).faults) {
  const writes: (string | null)[] = []
  let changes = 0
  const book = new FaultBook({
    reader: {
      keys: async () => ({
        body: [{ Key: 'mesh/services/web', Value: text, ModifyIndex: 7 }],
        index: 1n,
        isFiltered: false,
      }),
    } as never,
    writer: {
      write: async (write) => writes.push(write.text) > 0,
      force: async () => {},
      close: () => {},
    },
    log: silentLogger,
    isActive: () => isLeading,
    faultsOf: (service): Settings['faults'] | null =>
      service === 'web' ? { ...BUILT_IN.faults, ...inForce } : null,
    onChange: () => void changes++,
  })
  book.setDocuments(new Map([['mesh/services/web', text]]))
  return { book, writes, changes: () => changes }
}

test('faults are told while they are in force, and plugin processes hear of their beginning and end', () => {
  const text = JSON.stringify({ faults: { abortPercent: 5, until: iso(60_000) } })
  const { book, changes } = startBook(true, text)
  equal(changes(), 1)
  const [problem, ...others] = book.problems(NOW)
  deepEqual([problem?.code, problem?.severity, others.length], ['FAULTS_IN_FORCE', 'warning', 0])
  match(
    problem!.message,
    /5 % are answered 503, until .*; take faults out of KV mesh\/services\/web to end them/,
  )
  book.look(NOW + 60_000)
  equal(changes(), 2)
  book.look(NOW + 60_001)
  equal(changes(), 2)
  deepEqual(book.problems(NOW + 60_001), [])
  book.stop()
})

test('the leader takes faults that are over out of KV and nothing else, others leave them', async () => {
  const text = JSON.stringify({ retries: 2, faults: { abortPercent: 5, until: iso(-1) } })
  const [leading, following] = [startBook(true, text), startBook(false, text)]
  await waitFor(() => leading.writes.length > 0)
  deepEqual([leading.writes[0], following.writes.length], ['{"retries":2}', 0])
  for (const { book } of [leading, following]) book.stop()
})

test('faults of a document that is refused stay there when those before them are over', async () => {
  const refused = JSON.stringify({ faults: { abortPercent: 50, until: iso(7_200_000) } })
  const { book, writes } = startBook(true, refused, { abortPercent: 5, until: iso(-1) })
  await new Promise(setImmediate)
  deepEqual([book.problems(NOW), writes], [[], []])
  book.stop()
})
