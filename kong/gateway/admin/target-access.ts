/** Targets are stored with their port, IPv6 in its long form. */

import { formatTarget } from '../schema/address.ts'
import { fieldViolation } from '../schema/kong-error.ts'
import { own } from '../schema/table.ts'
import { refuse } from './answer.ts'
import type { EntityAccess } from './entity-access.ts'

export const accessToTargets = (access: EntityAccess): EntityAccess => ({
  ...access,
  insert: (input) => {
    const target = own(input, 'target')
    if (typeof target !== 'string') return access.insert(input)
    const text = formatTarget(target)
    if (text !== undefined) return access.insert({ ...input, target: text })
    return refuse(fieldViolation('target', 'Invalid target; not a valid hostname or ip address'))
  },
  update: (key, input) => {
    const target = own(input, 'target')
    const text = typeof target === 'string' ? formatTarget(target) : undefined
    if (text === undefined) return access.update(key, input)
    // The answer to the change, and only that, shows the target as it was written.
    return { ...access.update(key, { ...input, target: text }), target }
  },
})
