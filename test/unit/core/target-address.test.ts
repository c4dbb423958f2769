import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { normalTarget, targetOf } from '../../../operator/core/target-address.ts'

describe('an address becomes a target in the form Kong stores', () => {
  const cases: [host: string, target: string][] = [
    ['10.0.0.1', '10.0.0.1:80'],
    ['010.000.0.1', '10.0.0.1:80'],
    ['Web.Example.COM', 'web.example.com:80'],
    ['my_host', 'my_host:80'],
    ['host.', 'host.:80'],
    ['::1', '[0000:0000:0000:0000:0000:0000:0000:0001]:80'],
    ['[::1]', '[0000:0000:0000:0000:0000:0000:0000:0001]:80'],
    ['2001:DB8::1:2', '[2001:0db8:0000:0000:0000:0000:0001:0002]:80'],
    ['1:2:3:4:5:6:7:8', '[0001:0002:0003:0004:0005:0006:0007:0008]:80'],
    ['fe80::', '[fe80:0000:0000:0000:0000:0000:0000:0000]:80'],
  ]
  for (const [host, target] of cases) {
    test(`${host} is ${target}`, () => assert.deepEqual(targetOf(host, 80), { ok: true, target }))
  }
})

describe('an address that Kong would refuse is refused with a reason', () => {
  const cases = [
    '',
    'bad host',
    '1.2.3',
    '1.2.3.256',
    'a..b',
    'web-',
    '::1::',
    '1:2:3',
    'fe80::1%eth0',
    '12345::1',
  ]
  for (const host of cases) {
    test(`${JSON.stringify(host)}`, () => {
      const result = targetOf(host, 80)
      assert.equal(result.ok, false)
      assert.match(result.ok ? '' : result.reason, /neither an IP address nor a host name/)
    })
  }

  for (const port of [0, -1, 65_536, 1.5]) {
    test(`port ${port}`, () => assert.equal(targetOf('10.0.0.1', port).ok, false))
  }
})

describe('targets written by anybody', () => {
  test('have one normal form', () => {
    assert.equal(normalTarget('[::1]:9000'), '[0000:0000:0000:0000:0000:0000:0000:0001]:9000')
    assert.equal(normalTarget('HOST.test:1'), 'host.test:1')
  })

  test('get port 8000 where they name none, as Kong gives it', () => {
    assert.equal(normalTarget('127.0.0.1'), '127.0.0.1:8000')
    assert.equal(normalTarget('::1'), '[0000:0000:0000:0000:0000:0000:0000:0001]:8000')
  })

  test('stay as they are in normal form', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.ipV4(), fc.ipV6(), fc.domain()),
        fc.integer({ min: 1, max: 65_535 }),
        (host, port) => {
          const target = targetOf(host, port)
          if (target.ok) assert.equal(normalTarget(target.target), target.target)
        },
      ),
    )
  })
})
