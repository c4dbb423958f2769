import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { checkKind, healthUrl, hostAndPort, isUnreachable } from '../../../operator/leader/check-kind.ts'

const near = 'http://127.0.0.1:8500'
const far = 'https://consul.example:8501'
const cases: [what: string, advertise: string | null, consul: string, expected: string][] = [
  ['no address', null, near, 'ttl'],
  ['a loopback address and a Consul agent elsewhere', '127.0.0.1:8080', far, 'ttl'],
  ['localhost and a Consul agent elsewhere', 'http://localhost:8080', far, 'ttl'],
  ['IPv6 loopback and a Consul agent elsewhere', '[::1]:8080', far, 'ttl'],
  ['a wildcard address', '0.0.0.0:8080', near, 'ttl'],
  ['a loopback address and an agent on this machine', '127.0.0.1:8080', near, 'http'],
  ['an address of the network', '10.1.2.3:8080', far, 'http'],
  ['a name', 'https://operator.example', far, 'http'],
]
for (const [what, advertise, consul, expected] of cases) {
  test(`${what} means a check of kind ${expected}`, () => equal(checkKind(advertise, consul), expected))
}

test('the health URL follows from host and port, or from a URL', () => {
  equal(healthUrl('10.1.2.3:8080'), 'http://10.1.2.3:8080/healthz')
  equal(healthUrl('https://operator.example/'), 'https://operator.example/healthz')
})

test('a registration gets the port of the scheme where none is given', () => {
  deepEqual(hostAndPort('https://operator.example'), { host: 'operator.example', port: 443 })
  deepEqual(hostAndPort('[fd00::1]:8080'), { host: 'fd00::1', port: 8080 })
})

test('a check is unreachable only when it never got an answer', () => {
  const refused = 'Get "http://10.1.2.3:8080/healthz": dial tcp: connect: connection refused'
  equal(isUnreachable({ status: 'critical', output: refused }), true)
  equal(isUnreachable({ status: 'critical', output: 'HTTP GET http://x/healthz: 503 Output: no' }), false)
  equal(isUnreachable({ status: 'passing', output: '' }), false)
})
