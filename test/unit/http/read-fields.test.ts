// What is told of fields that do not fit: words of people, whatever the schema leaves unsaid.
import { deepEqual, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import { readFields, wholeNumber } from '../../../operator/http/read-fields.ts'
import { RequestError } from '../../../operator/http/request-error.ts'

const SHAPE = {
  name: z.string().min(1),
  age: z.int().max(9).optional(),
  list: z.array(z.string()).optional(),
  mode: z.enum(['a', 'b']).optional(),
  own: z.string('must be said').optional(),
  either: z.union([z.string(), z.array(z.string())]).optional(),
  count: wholeNumber(1, 100).optional(),
}

const cases: [given: object, told: string][] = [
  [{}, 'name: is needed'],
  [{ name: 1 }, 'name: must be a text'],
  [{ name: '' }, 'name: must be at least 1 characters long'],
  [{ name: 'x', age: 'old' }, 'age: must be a number'],
  [{ name: 'x', age: 10 }, 'age: must be at most 9'],
  [{ name: 'x', list: {} }, 'list: must be a list'],
  [{ name: 'x', list: [null] }, 'list.0: must be a text'],
  [{ name: 'x', mode: 'c' }, 'mode: must be one of a, b'],
  [{ name: 'x', own: 5 }, 'own: must be said'],
  [{ name: 'x', either: 5 }, 'either: has no form that is known here'],
  [{ name: 'x', count: '0' }, 'count: must be a whole number from 1 to 100'],
  [{ name: 'x', other: 1 }, 'other: is not known here'],
  [{ name: 'x', coun: '1' }, 'coun: is not known here; did you mean count?'],
]
for (const [given, told] of cases) {
  test(`${JSON.stringify(given)}: ${told}`, () =>
    throws(
      () => readFields(SHAPE, given),
      (error: Error) => {
        deepEqual([error instanceof RequestError, error.message], [true, told])
        return true
      },
    ))
}
