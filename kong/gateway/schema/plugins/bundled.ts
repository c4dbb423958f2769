/** The plugins that come with Kong, as far as the dev gateway has them. */

import { ACL, JWT, KEY_AUTH } from './authentication.ts'
import type { PluginDefinition } from './plugin-definition.ts'
import { RATE_LIMITING } from './rate-limiting.ts'
import {
  CORRELATION_ID,
  CORS,
  IP_RESTRICTION,
  PROMETHEUS,
  REQUEST_SIZE_LIMITING,
  REQUEST_TERMINATION,
} from './traffic.ts'
import { REQUEST_TRANSFORMER, RESPONSE_TRANSFORMER } from './transformers.ts'

/** With Kong's priorities: the higher, the earlier a plugin runs. */
export const BUNDLED: readonly (readonly [definition: PluginDefinition, priority: number])[] = [
  [CORRELATION_ID, 100001],
  [CORS, 2000],
  [JWT, 1450],
  [KEY_AUTH, 1250],
  [IP_RESTRICTION, 990],
  [REQUEST_SIZE_LIMITING, 951],
  [ACL, 950],
  [RATE_LIMITING, 910],
  [REQUEST_TRANSFORMER, 801],
  [RESPONSE_TRANSFORMER, 800],
  [PROMETHEUS, 13],
  [REQUEST_TERMINATION, 2],
]
