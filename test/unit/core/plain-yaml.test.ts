import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parse, stringify } from 'yaml'
import { parsePlainYaml } from '../../../operator/core/plain-yaml.ts'

test('rows as Kong writes them are read', () => {
  const text = `- name: web
  tags:
  - managed-by:kongsul
  - kongsul.service:web
  config:
    nothing: ~
    none: {}
    few: []
    inner:
      threshold: 0.5
      on: true
  hosts:
  - 'it''s'
  lists:
  - - a
    - b
  - c: 1
    d: 2
  id: 356ebaf8-b7af-5cba-99a1-f392e34730ab
  target: 10.0.0.1:80`
  deepEqual(parsePlainYaml(text.split('\n')), parse(text))
})

test('what is not certain is left to a parser that knows all of YAML', () => {
  const texts = [
    'a: y',
    'a: 0x1f',
    'a: 1e3',
    'a: 012',
    'a: "x"',
    "a: 'x",
    'a: |\n  text',
    'a: two words',
    'a: &x b',
    'a:\nb: 1',
    '"a": b',
    'a: b: c',
    'a: b # c',
    '__proto__: 1',
    'a: 12:30',
    'a: .5',
  ]
  for (const text of texts) equal(parsePlainYaml(text.split('\n')), undefined, text)
})

test('what it reads is what a full parser reads', () => {
  const scalar = fc.oneof(
    fc.string({ maxLength: 12 }),
    fc.constantFrom(
      'yes',
      'n',
      '~',
      'null',
      '0o14',
      '1_000',
      'a: b',
      '- a',
      '10.0.0.1:80',
      'x-y',
      '/a/b',
      '',
    ),
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
  )
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      { maxDepth: 3 },
      scalar,
      fc.array(tie('tree'), { maxLength: 3 }),
      fc.dictionary(fc.string({ maxLength: 6 }), tie('tree'), { maxKeys: 3 }),
    ),
  }))
  fc.assert(
    fc.property(tree, (value) => {
      const text = stringify([value], { version: '1.1', indentSeq: false, nullStr: '~', singleQuote: true })
      const read = parsePlainYaml(text.trimEnd().split('\n'))
      if (read !== undefined) deepEqual(read, parse(text, { version: '1.1' }))
    }),
  )
})
