import { equal } from 'node:assert/strict'
import { test } from 'node:test'
import { luaMatches } from '../../../kong/gateway/schema/lua-pattern.ts'
import { prettyLine, prettyLines } from '../../../kong/gateway/schema/lua-text.ts'

const matches: readonly (readonly [text: string, pattern: string, isMatch: boolean])[] = [
  ['abc', '^%l+$', true],
  ['abC', '^%l+$', false],
  ['a.b', '^a.b$', true],
  ['a-b', '^a%-b$', true],
  ['aab', '^a-b$', true],
  ['x]y', '[%]]', true],
  ['7', '^[^%d]$', false],
  ['a$', 'a%$$', true],
  ['a+b', '^a+b$', false],
  ['ü', '^..$', true],
  ['GET', '^%u+$', true],
]

for (const [text, pattern, isMatch] of matches) {
  test(`the Lua pattern ${pattern} ${isMatch ? 'matches' : 'does not match'} ${text}`, () => {
    equal(luaMatches(text, pattern), isMatch)
  })
}

test('keys are written on one line, sorted, in Lua syntax', () => {
  equal(prettyLine({ target: 'a:1', upstream: { id: 'x' } }), '{target="a:1",upstream={id="x"}}')
  equal(prettyLine({ 'x-y': 'q"q', end: null }), '{["end"]="userdata: NULL",["x-y"]="q\\"q"}')
})

test('lists and gaps are written on several lines', () => {
  equal(prettyLines({ list: ['a'], empty: {} }), '{\n  empty = {\n  },\n  list = {\n    "a"\n  }\n}')
})
