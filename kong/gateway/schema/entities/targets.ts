/** Targets: the addresses behind an upstream. */

import { parseAddress } from '../address.ts'
import { ID, SECONDS_WITH_FRACTION } from '../typedefs/automatic.ts'
import { TAGS } from '../typedefs/names.ts'
import type { EntityDefinition } from './entity-definition.ts'

export const TARGETS: EntityDefinition = {
  name: 'targets',
  endpointKey: 'target',
  uniqueTogether: ['upstream', 'target'],
  fields: [
    { id: ID },
    { created_at: SECONDS_WITH_FRACTION },
    { updated_at: SECONDS_WITH_FRACTION },
    { upstream: { type: 'foreign', reference: 'upstreams', required: true, on_delete: 'cascade' } },
    {
      target: {
        type: 'string',
        required: true,
        custom_validator: (target) =>
          parseAddress(String(target)).type === 'invalid'
            ? `Invalid target ('${target}'); not a valid hostname or ip address`
            : undefined,
      },
    },
    { weight: { type: 'integer', default: 100, between: [0, 65535] } },
    { tags: TAGS },
  ],
}
