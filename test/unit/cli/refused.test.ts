// What the command line says when the operator refuses.
import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { refused } from '../../../operator/cli/refused.ts'

const DETAIL = JSON.stringify({ error: { code: 'invalid' }, detail: 'status: must be a status' })
for (const [what, status, text, code, answer, remedy] of [
  ['a value that is wrong', 422, DETAIL, 'OPERATOR_REFUSED', '422: status: must be a status', /--help/],
  ['a token that is missing', 401, DETAIL, 'OPERATOR_REFUSED', '401: status: must be a status', /TOKEN_FILE/],
  ['what is not there', 404, DETAIL, 'NOT_FOUND', '404: status: must be a status', /kongsul status/],
  ['a Consul that is gone', 503, DETAIL, 'OPERATOR_REFUSED', '503: status: must be a status', /doctor/],
  ['the page of a proxy', 502, '<html>', 'OPERATOR_REFUSED', '502: <html>', /kongsul status/],
] as const) {
  test(`${what} is told with what the operator said, and what to do`, () => {
    const error = refused('GET http://op/x', status, text)
    deepEqual(
      [error.code, error.message.includes(answer), remedy.test(error.remedy)],
      [code, true, true],
      error.message,
    )
  })
}
