import { equal } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { escapePath, normalisePath } from '../../../kong/gateway/router/normalise-path.ts'
import { compileRustRegex } from '../../../kong/gateway/router/rust-regex.ts'
import { joinUpstreamPath } from '../../../kong/gateway/router/upstream-path.ts'

const joins: [base: string | null, request: string, prefix: string | null, strip: boolean, joined: string][] =
  [
    [null, '/a/x', '/a', true, '/x'],
    [null, '/a', '/a', true, '/'],
    ['/v1', '/a', '/a', true, '/v1'],
    ['/v1', '/a/', '/a', true, '/v1/'],
    ['/v1', '/abc', '/a', true, '/v1/bc'],
    ['/v1', '/a/x', '/a', true, '/v1/x'],
    ['/v1', '/a/x', '/a', false, '/v1/a/x'],
    ['/v1', '/', null, true, '/v1'],
    ['/v1', '/', null, false, '/v1'],
    ['/v1', '/x', null, true, '/v1/x'],
    ['/v2/', '/a', '/a', true, '/v2'],
    ['/v2/', '/a/', '/a', true, '/v2/'],
    ['/v2/', '/a/', '/a/', true, '/v2/'],
    ['/v2/', '/a/k', '/a', true, '/v2/k'],
    ['/v2/', '/a/k', '/a/', true, '/v2/k'],
    ['/v2/', '/a/k', '/a', false, '/v2/a/k'],
    ['/', '/a/k', '/a', true, '/k'],
    ['/v1', '/a../b', '/a', true, '/v1/b'],
    ['/v1', '/a..', '/a', true, '/v1'],
  ]

for (const [base, request, prefix, strip, joined] of joins) {
  test(`${request} behind ${base ?? 'no path'}${strip ? ` without ${prefix}` : ''} goes to ${joined}`, () => {
    equal(joinUpstreamPath(base, request, prefix, strip), joined)
  })
}

const normal: [raw: string, path: string][] = [
  ['/', '/'],
  ['/a//b', '/a/b'],
  ['//', '/'],
  ['/a/.', '/a/'],
  ['/a/..', '/'],
  ['/a/b/..', '/a/'],
  ['/a/../b/./c', '/b/c'],
  ['/%41%2f%2F', '/A%2F%2F'],
  ['/a%20b', '/a b'],
  ['/a/%2e%2e/b', '/b'],
  ['/a..b', '/a..b'],
]

for (const [raw, path] of normal) test(`${raw} is the path ${path}`, () => equal(normalisePath(raw), path))

test('normalising twice changes nothing more, but for escapes of escapes', () => {
  const anyPath = fc.array(fc.constantFrom('/', '.', '..', 'a', '//', 'b'), { maxLength: 12 })
  fc.assert(
    fc.property(anyPath, (parts) => {
      const once = normalisePath(`/${parts.join('')}`)
      equal(normalisePath(once), once)
    }),
  )
})

test('what is escaped holds only what may stand in a request line', () => {
  equal(escapePath('/a b"é<'), '/a%20b%22%E9%3C')
  equal(escapePath("/A-z_0.~!$&'()*+,;=:@%2F"), "/A-z_0.~!$&'()*+,;=:@%2F")
})

const regexes: [pattern: string, text: string, matches: boolean][] = [
  ['^/a/(?i:B)c', '/a/bc', true],
  ['^/a/(?i:B)c', '/a/bC', false],
  ['(?i)^/ABC', '/abc', true],
  ['^/(?P<n>x)', '/x', true],
  ['^/[[:alpha:]]+$', '/abc', true],
  ['^/a\\-b\\_c', '/a-b_c', true],
  ['^/{id}$', '/{id}', true],
  ['^/\\d{2,3}$', '/1234', false],
  ['\\A/a\\z', '/a', true],
]

for (const [pattern, text, matches] of regexes) {
  test(`${pattern} ${matches ? 'matches' : 'does not match'} ${text}`, () =>
    equal(compileRustRegex(pattern).test(text), matches))
}
