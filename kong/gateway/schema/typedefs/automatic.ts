/** Fields that Kong fills by itself. */

import type { Field } from '../field.ts'

export const ID: Field = { type: 'string', uuid: true, auto: true }

/** Unix time in seconds. */
export const SECONDS: Field = { type: 'integer', timestamp: true, auto: true }

/** Unix time in seconds with milliseconds as fraction. */
export const SECONDS_WITH_FRACTION: Field = { type: 'number', timestamp: true, auto: true }
