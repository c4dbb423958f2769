import assert from 'node:assert/strict'
import { test } from 'node:test'
import { feedToken } from '../../../plugins/outcomes/feed-token.ts'
import { linePrefix } from '../../../plugins/outcomes/log-format.ts'

test('a token is made for each run unless one is set, and may stand in the log format', () => {
  const [first, second] = [feedToken(undefined), feedToken('')]
  assert.notEqual(first, second)
  assert.ok(first.length >= 32)
  assert.ok(linePrefix(first).includes(first))
  assert.equal(feedToken('one-that-is-set'), 'one-that-is-set')
})
