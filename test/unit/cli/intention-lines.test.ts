import assert from 'node:assert/strict'
import { test } from 'node:test'
import { judgeIntentions } from '../../../operator/cli/doctor/judge-intentions.ts'
import { intentionWords } from '../../../operator/cli/intention-lines.ts'
import type { IntentionsStatus } from '../../../operator/sync/intentions-status.ts'

const NOTE = 'NOT enforced: intentions.anonymous is allow'
const status = (rest: Partial<IntentionsStatus> = {}): IntentionsStatus => ({
  enforced_at: 'gateway',
  default: 'deny',
  known: true,
  services: [
    { service: 'api', lets: 'only', callers: ['web'], enforced: true, note: '' },
    { service: 'db', lets: 'except', callers: ['web'], enforced: false, note: NOTE },
    { service: 'web', lets: 'all', callers: [], enforced: false, note: '' },
  ],
  ...rest,
})

test('what is enforced is said to be so at the gateway only, and what is not is named', () => {
  assert.deepEqual(intentionWords(status()), {
    enforced: 'intentions of 1 service are enforced, at the gateway only: api',
    loose: [`db: ${NOTE}`],
  })
})

test('where everybody may call everybody nothing is said', () => {
  assert.deepEqual(intentionWords(status({ services: [] })), { enforced: null, loose: [] })
})

test('doctor warns of what is not enforced, and of intentions that nobody has read', () => {
  assert.deepEqual(
    judgeIntentions(status()).map(({ level }) => level),
    ['ok', 'warning'],
  )
  const service = {
    service: 'api',
    lets: 'only',
    callers: [],
    enforced: false,
    note: 'api is paused',
  } as const
  assert.match(judgeIntentions(status({ services: [service] }))[1]!.mend!, /kongsul plan/)
  assert.match(judgeIntentions(status({ known: false }))[0]!.found, /has not read them/)
})
