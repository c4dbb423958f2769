import type { z } from 'zod'

/** What a value is to be, by the name that zod has for it. */
const KINDS: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
}

const COUNTED: Readonly<Record<string, string>> = { string: 'characters', array: 'entries' }

/**
 * What is wrong with a value, in the words of the rest of the API, where its schema says nothing itself.
 * @returns undefined for what zod says better
 */
export function plainIssue(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_type': {
      if (issue.input === undefined) return 'is needed'
      const kind = KINDS[issue.expected]
      return kind && `must be ${kind}`
    }
    case 'invalid_value':
      return `must be ${issue.values.length > 1 ? 'one of ' : ''}${issue.values.map(String).join(', ')}`
    case 'too_small':
      return `must be ${bound(issue.origin, 'at least', issue.minimum)}`
    case 'too_big':
      return `must be ${bound(issue.origin, 'at most', issue.maximum)}`
    case 'invalid_union':
      return 'has no form that is known here'
    default:
      return undefined
  }
}

function bound(origin: string, side: string, limit: number | bigint): string {
  const unit = COUNTED[origin]
  return unit === undefined ? `${side} ${limit}` : `${side} ${limit} ${unit} long`
}
