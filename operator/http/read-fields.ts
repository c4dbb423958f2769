import { z } from 'zod'
import { guessOf } from '../core/closest-name.ts'
import { plainIssue } from './plain-issue.ts'
import { RequestError } from './request-error.ts'

/**
 * A query or body as the schema has it; unknown fields are refused.
 * @throws RequestError 422 naming each field
 */
export function readFields<Shape extends z.ZodRawShape>(
  shape: Shape,
  input: unknown,
): z.infer<z.ZodObject<Shape>> {
  if (input == null && isEmpty(shape)) return {} as never
  const schema = schemas.get(shape) ?? z.strictObject(shape)
  schemas.set(shape, schema)
  return readBy(schema, input, shape) as z.infer<z.ZodObject<Shape>>
}

/**
 * The same, without what is not known: a process of a newer version may tell more.
 * @throws RequestError 422 naming each field
 */
export function readKnown<Shape extends z.ZodRawShape>(
  shape: Shape,
  input: unknown,
): z.infer<z.ZodObject<Shape>> {
  const schema = lenient.get(shape) ?? z.object(shape)
  lenient.set(shape, schema)
  return readBy(schema, input, shape) as z.infer<z.ZodObject<Shape>>
}

function readBy(schema: z.ZodType, input: unknown, shape: z.ZodRawShape): unknown {
  const result = schema.safeParse(input ?? {}, { error: plainIssue })
  if (result.success) return result.data
  const details = result.error.issues.flatMap((issue) => {
    if (issue.code === 'unrecognized_keys') {
      const known = issue.path.length === 0 ? Object.keys(shape) : []
      return issue.keys.map((field) => ({ field, message: unknownField(field, known) }))
    }
    return [{ field: issue.path.join('.') || 'body', message: issue.message }]
  })
  const message = details.map(({ field, message: what }) => `${field}: ${what}`).join('; ')
  throw new RequestError(422, message, details)
}

/** @param known what there is in its place; empty where that is not looked up */
const unknownField = (field: string, known: readonly string[]): string =>
  `is not known here${guessOf(field, known)}`

/** Most requests have no body, and may have none: nothing is there to be looked at. */
function isEmpty(shape: z.ZodRawShape): boolean {
  for (const _ in shape) return false
  return true
}

/** By shape: making one takes longer than a request. */
const schemas = new WeakMap<z.ZodRawShape, z.ZodType>()
const lenient = new WeakMap<z.ZodRawShape, z.ZodType>()

/** A whole number in a query string. */
export const wholeNumber = (least: number, most: number) => {
  const rule = `must be a whole number from ${least} to ${most}`
  return z.string().regex(/^\d+$/, rule).transform(Number).pipe(z.number().min(least, rule).max(most, rule))
}

/** `true` or `false` in a query string. */
export const flag = z.enum(['true', 'false'], 'must be true or false').transform((told) => told === 'true')

/** Any name that Consul may have; control characters are nobody's name. */
export const serviceField = z
  .string()
  .min(1, 'must not be empty')
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is refused
  .regex(/^[^\u0000-\u001f\u007f/]+$/, 'must not hold "/" or control characters')
