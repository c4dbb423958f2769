import { z } from 'zod'
import { closestName } from '../core/closest-name.ts'

/** Shorter keys are a letter away from too many others. */
const FEWEST_CHARS = 4

/**
 * An object that may hold more than `shape` names, since scenarios are written from logs and carry names and comments; a
 * key that is a typing error away from one of `shape` is refused, since it would be passed over in silence.
 *
 * @param error what to say of a value that is no object
 */
export const lenientObject = <T extends z.ZodRawShape>(shape: T, error?: string) => {
  const known = Object.keys(shape)
  return z.looseObject(shape, error === undefined ? undefined : { error }).superRefine((value, context) => {
    for (const key of Object.keys(value)) {
      if (known.includes(key) || key.length < FEWEST_CHARS) continue
      const meant = closestName(key, known)
      if (meant === null) continue
      context.addIssue({
        code: 'custom',
        path: [key],
        message: `is not known here; did you mean ${meant}?`,
      })
    }
  })
}
