import type { IntentionsStatus } from '../sync/intentions-status.ts'
import { counted } from './counted.ts'

/** What `status` and `doctor` say of intentions; nothing where everybody may call everybody. */
export interface IntentionWords {
  /** null for none. */
  readonly enforced: string | null
  /** One for each service that is not as its intentions say. */
  readonly loose: readonly string[]
}

const MOST_NAMES = 10

export function intentionWords({ services }: Pick<IntentionsStatus, 'services'>): IntentionWords {
  const names = services.filter(({ enforced }) => enforced).map(({ service }) => service)
  const shown = names.slice(0, MOST_NAMES).join(', ')
  const more = names.length > MOST_NAMES ? ` and ${names.length - MOST_NAMES} more` : ''
  return {
    enforced:
      names.length === 0
        ? null
        : `intentions of ${counted(names.length, 'service')} are enforced, at the gateway only: ${shown}${more}`,
    loose: services
      .filter(({ lets, enforced }) => !enforced && lets !== 'all')
      .map(({ service, note }) => `${service}: ${note}`),
  }
}
