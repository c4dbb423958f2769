/** What Consul's configuration entries are decided from. */

import type { Intentions } from '../intentions/join-access.ts'
import type { Problem } from '../problem.ts'
import type { ConfigEntries } from './config-entries.ts'
import type { SubsetMembers } from './subset-members.ts'

export interface Policies {
  readonly entries: ConfigEntries
  /** Who may call whom; absent where nobody reads them. */
  readonly intentions?: Intentions
  /** Another object when it answers anything else. */
  readonly members: SubsetMembers
  /** Of reading and validating the entries. */
  readonly problems: readonly Problem[]
}
