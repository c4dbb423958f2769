/** Targets are stored with their port, IPv6 in its long form. */

import { formatTarget } from '../schema/address.ts'
import { fieldViolation } from '../schema/kong-error.ts'
import { type ObjectValue, own } from '../schema/table.ts'
import { refuse } from './answer.ts'
import type { EntityAccess } from './entity-access.ts'

export const accessToTargets = (access: EntityAccess): EntityAccess => ({
  ...access,
  insert: (input) => access.insert(formatted(input)),
  update: (key, input) => access.update(key, formatted(input)),
})

function formatted(input: ObjectValue): ObjectValue {
  const target = own(input, 'target')
  if (typeof target !== 'string') return input
  const text = formatTarget(target)
  if (text === undefined) {
    return refuse(fieldViolation('target', 'Invalid target; not a valid hostname or ip address'))
  }
  return { ...input, target: text }
}
