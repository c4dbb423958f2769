import { equal } from 'node:assert/strict'
import test from 'node:test'
import { isAllowedHost } from '../../../operator/http/host-check.ts'

const cases: [bound: string, host: string | undefined, allowed: boolean][] = [
  ['127.0.0.1', '127.0.0.1:8080', true],
  ['127.0.0.1', 'localhost:8080', true],
  ['127.0.0.1', 'LOCALHOST', true],
  ['::1', '[::1]:8080', true],
  ['127.0.0.1', 'evil.example', false],
  ['127.0.0.1', 'localhost.evil.example:8080', false],
  ['127.0.0.1', '10.0.0.1:8080', false],
  ['127.0.0.1', undefined, false],
  ['0.0.0.0', 'mesh.internal:8080', true],
]
for (const [bound, host, allowed] of cases) {
  test(`bound to ${bound} the Host ${host} is ${allowed ? 'answered' : 'refused'}`, () =>
    equal(isAllowedHost(bound, host), allowed))
}
