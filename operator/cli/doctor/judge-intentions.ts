import type { IntentionsStatus } from '../../sync/intentions-status.ts'
import { intentionWords } from '../intention-lines.ts'
import { type Finding, ok, warning } from './finding.ts'

const TOPIC = 'intentions'

/** Whether what Consul's intentions say is so. */
export function judgeIntentions(status: IntentionsStatus): readonly Finding[] {
  const { enforced, loose } = intentionWords(status)
  if (!status.known) {
    return [
      warning(
        TOPIC,
        'the operator has not read them: what Kong enforces stays, nothing else is enforced',
        'give it a token with service_prefix "" read; kongsul status says what Consul answers',
      ),
    ]
  }
  return [
    ok(TOPIC, enforced ?? 'everybody may call everybody'),
    ...loose.map((words) =>
      warning(
        TOPIC,
        words,
        words.includes('intentions.anonymous')
          ? 'give its callers identities (kongsul identity issue), then take intentions.anonymous out of KV'
          : 'kongsul status, kongsul plan and kongsul overrides tell what Kong has instead, and what it waits for',
      ),
    ),
  ]
}
