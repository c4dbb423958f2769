import { equal } from 'node:assert/strict'
import { test } from 'node:test'
import { pcreError } from '../../../kong/gateway/schema/pcre.ts'
import { routeExpressionError } from '../../../kong/gateway/schema/route-expression.ts'

/** Pattern, PCRE2's complaint, and the rest of the pattern from where it noticed. */
const bad: readonly (readonly [pattern: string, text: string, rest: string])[] = [
  ['/x(', 'missing closing parenthesis', ''],
  ['/x)', 'unmatched closing parenthesis', ')'],
  ['/x[a', 'missing terminating ] for character class', ''],
  ['/[z-a]', 'range out of order in character class', 'a]'],
  ['/[\\d-z]', 'invalid range in character class', '-z]'],
  ['/**', 'quantifier does not follow a repeatable item', '*'],
  ['/a{1}{2}', 'quantifier does not follow a repeatable item', '}'],
  ['/x{2,1}', 'numbers out of order in {} quantifier', '}'],
  ['/x{99999}', 'number too big in {} quantifier', '}'],
  ['/(?zz)', 'unrecognized character after (? or (?-', 'zz)'],
  ['/(?<n', 'syntax error in subpattern name (missing terminator?)', ''],
  ['/\\', '\\ at end of pattern', ''],
  ['/\\q', 'unrecognized character follows \\', 'q'],
  ['/[[:foo:]]', 'unknown POSIX class name', 'foo:]]'],
  ['/\\1', 'reference to non-existent subpattern', '1'],
]

for (const [pattern, text, rest] of bad) {
  test(`PCRE2 says of ${pattern}: ${text}`, () => {
    const place = rest === '' ? '' : ` at "${rest}"`
    equal(pcreError(pattern), `pcre2_compile() failed: ${text} in "${pattern}"${place}`)
  })
}

test('good patterns are left alone', () => {
  for (const pattern of [
    '/r3/\\d+',
    '/(?<id>[a-z]+)/x',
    '/a{,3}',
    '/[]a]',
    '/(?i)x',
    '/[[:alpha:]-]',
    '/\\p{L}+',
    '',
  ]) {
    equal(pcreError(pattern), undefined, pattern)
  }
})

test('what the router cannot read is drawn into the expression made of the route', () => {
  const route = { protocols: ['http'], methods: ['GET'], paths: ['/a', '~/b/(?=x)'] }
  const column = 67
  equal(
    routeExpressionError(route),
    [
      `Router Expression failed validation:  --> 1:${column}`,
      '  |',
      '1 | (http.method == r#"GET"#) && (http.path ^= r#"/a"# || http.path ~ r#"^/b/(?=x)"#)',
      `  | ${' '.repeat(column - 1)}^------------^`,
      '  |',
      '  = regex parse error:',
      '    ^/b/(?=x)',
      '        ^^^',
      'error: look-around, including look-ahead and look-behind, is not supported',
    ].join('\n'),
  )
})

test('regular expressions of headers are read by the router only', () => {
  const route = { protocols: ['http'], headers: { 'x-a': ['~*(A'] } }
  equal(routeExpressionError(route)?.split('\n').at(-1), 'error: unclosed group')
  equal(routeExpressionError({ protocols: ['http'], headers: { 'x-a': ['~*^a+$'] } }), undefined)
})
