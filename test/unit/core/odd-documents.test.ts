// Whatever stands in KV below mesh/, and in Consul's configuration entries and intentions: it is read or refused, and nothing is thrown.
import { doesNotThrow, ok } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { acceptAlerts } from '../../../operator/alerts/accept-alerts.ts'
import { canariesIn } from '../../../operator/core/canary/canary-document.ts'
import { readAuthorityDocument } from '../../../operator/core/certificates/authority-document.ts'
import { readCertificateDocument } from '../../../operator/core/certificates/certificate-document.ts'
import { ejectionsIn } from '../../../operator/core/ejections.ts'
import { acceptExternals } from '../../../operator/core/external/accept-external.ts'
import { formatInKv } from '../../../operator/core/format.ts'
import { acceptancesIn, rememberedHolds } from '../../../operator/core/hold-memory.ts'
import { acceptIntentions } from '../../../operator/core/intentions/intention.ts'
import { pausesIn } from '../../../operator/core/pause.ts'
import { acceptEntries, ENTRY_KINDS } from '../../../operator/core/policy/config-entries.ts'
import { acceptSettings } from '../../../operator/core/settings.ts'
import { type KvRows, parseStatus } from '../../../operator/core/settings-status.ts'
import { acceptMigrations } from '../../../operator/legacy/accept-migrations.ts'
import { fuzzCases } from '../../support/fuzz-cases.ts'
import { ODD_VALUES } from '../../support/odd-values.ts'

const RUNS = fuzzCases(10_000)

const words = fc.constantFrom(
  ...'loadBalancing strategy healthChecks timeouts connectMs circuitBreaker ejection routing hosts paths tls certificates'.split(
    ' ',
  ),
  ...'retries rateLimit perSecond auth tracing canary phase untilMs sinceMs reason owner instances address port lastGood'.split(
    ' ',
  ),
  ...'errors since key cert file sealed silences matchers startsAt Name Kind Action Sources Routes Splits Subsets __proto__'.split(
    ' ',
  ),
)
const odd = fc.letrec<{ any: unknown }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 5 },
    fc.constantFrom(...ODD_VALUES, '5s', 'all', [], {}),
    fc.constant({ toString: 1 }),
    fc.string({ unit: 'binary', maxLength: 8 }),
    fc.array(tie('any'), { maxLength: 3 }),
    fc.dictionary(words, tie('any'), { maxKeys: 4 }),
  ),
})).any
const yaml = fc.stringMatching(/^([a-z]{0,4}[:&*!|>{}[\]\-#?,'" \n]{0,3}){0,20}$/)
const text = fc.oneof(
  odd.map((value) => JSON.stringify(value) ?? ''),
  odd.map((value) => (JSON.stringify(value) ?? '').slice(0, -1)),
  yaml,
  fc.string({ unit: 'binary', maxLength: 60 }),
)
const KINDS =
  'services defaults external certificates authorities status pause guard ejections migration silences canaries identities alerts format'
const keys = fc
  .tuple(
    fc.constantFrom(...KINDS.split(' ')),
    fc.constantFrom('', '/', '/web', '/a/b', '/web/10.0.0.1:80', '/%', '/__proto__'),
  )
  .map(([kind, rest]) => `mesh/${kind}${rest}`)

test(`whatever ${RUNS} times stands in KV is read or refused`, () => {
  const documents = fc.array(fc.tuple(keys, text), { minLength: 1, maxLength: 4 })
  const property = fc.property(documents, documents, (first, then) => {
    const [before, after] = [new Map(first), new Map(then)]
    const rows = (texts: ReadonlyMap<string, string>): KvRows =>
      new Map([...texts].map(([key, each]) => [key, { text: each, index: 1 }]))
    const settings = acceptSettings(null, before)
    settings.accepted.forService('web', [])
    acceptSettings(settings.accepted, after).accepted.forService('web', [])
    acceptExternals(acceptExternals(null, before, rows(before)), after, rows(after))
    acceptAlerts(acceptAlerts(null, rows(before)), rows(after))
    acceptMigrations(acceptMigrations(null, rows(before)), rows(after))
    for (const all of [rows(before), rows(after)]) {
      pausesIn(all, 0)
      ejectionsIn(all)
      canariesIn(all)
      rememberedHolds(all, 'default')
      acceptancesIn(all, 'default')
    }
    for (const each of before.values()) {
      readCertificateDocument(each)
      readAuthorityDocument(each)
      parseStatus(each)
      formatInKv(each)
    }
  })
  fc.assert(property, { numRuns: RUNS })
})

test(`whatever ${RUNS} times Consul says of entries and intentions is read or refused`, () => {
  // As JSON has it.
  const rows = fc.array(odd, { maxLength: 3 }).map((all) => JSON.parse(JSON.stringify(all)) as unknown[])
  const property = fc.property(fc.constantFrom(...ENTRY_KINDS), rows, rows, (kind, first, then) => {
    acceptEntries(acceptEntries(null, new Map([[kind, first]])), new Map([[kind, then]]))
    acceptIntentions(acceptIntentions(null, first), then)
  })
  fc.assert(property, { numRuns: RUNS })
})

test('a document that would grow without end when it is read is refused', () => {
  const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x]']
  for (let level = 1; level < 12; level++) {
    const many = Array.from({ length: 9 }, () => `*a${level - 1}`)
    lines.push(`a${level}: &a${level} [${many.join(', ')}]`)
  }
  const { refused } = acceptSettings(null, new Map([['mesh/services/web', lines.join('\n')]]))
  ok(refused.has('mesh/services/web'))
  const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`
  doesNotThrow(() => acceptSettings(null, new Map([['mesh/services/web', deep]])))
  doesNotThrow(() =>
    acceptSettings(null, new Map([['mesh/services/web', deep.replaceAll('[', '{a: ').replaceAll(']', '}')]])),
  )
})
