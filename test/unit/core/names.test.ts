import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { escapeName, escapePart, unescapeName } from '../../../operator/core/escape.ts'
import {
  defaultHost,
  defaultPath,
  entityId,
  routeName,
  serviceName,
  targetId,
  upstreamName,
  uuidV5,
} from '../../../operator/core/names.ts'

/** Kong's check_hostname (kong/tools/ip.lua), which upstream names and hosts of services have to pass. */
function isKongHostName(name: string): boolean {
  if (!/^[A-Za-z0-9._-]+$/.test(name) || /^[\d.]+$/.test(name)) return false
  return name.split('.').every((segment) => segment !== '' && !segment.endsWith('-'))
}

const anyName = fc.oneof(
  fc.string({ minLength: 1 }),
  fc.string({ minLength: 1, unit: 'binary' }),
  fc.string({ minLength: 150, maxLength: 250 }),
  fc.stringMatching(/^[a-z0-9_.-]{1,20}$/),
)

describe('escaping', () => {
  const cases: [name: string, escaped: string][] = [
    ['web', 'web'],
    ['Web-2', 'Web-2'],
    ['a.b', 'a_2eb'],
    ['a_b', 'a_5fb'],
    ['a/b,c', 'a_2fb_2cc'],
    ['größe', 'gr_c3_b6_c3_9fe'],
    ['web-', 'web_2d'],
    ['-', '_2d'],
    ['🙂', '_f0_9f_99_82'],
  ]
  for (const [name, escaped] of cases) {
    test(`${name} becomes ${escaped} and comes back`, () => {
      assert.equal(escapeName(name), escaped)
      assert.equal(unescapeName(escaped), name)
    })
  }

  test('never makes two names one', () => {
    fc.assert(
      fc.property(anyName, anyName, (left, right) => {
        assert.equal(escapeName(left) === escapeName(right), left === right)
        assert.equal(escapePart(left) === escapePart(right), left === right)
      }),
    )
  })

  test('gives back every name it was given', () => {
    fc.assert(fc.property(anyName, (name) => assert.equal(unescapeName(escapeName(name)), name)))
  })

  test('keeps long names apart that differ only at the end', () => {
    const long = 'x'.repeat(230)
    assert.notEqual(escapePart(`${long}a`), escapePart(`${long}b`))
    assert.ok(escapePart(`${long}a`).length <= 200)
  })
})

describe('names of Kong entities', () => {
  test('follow from the service', () => {
    assert.equal(upstreamName('a.b'), 'a_2eb.mesh')
    assert.equal(serviceName('a.b'), 'mesh.a_2eb')
    assert.equal(routeName('a.b', 'host'), 'mesh.a_2eb.host')
  })

  test('pass what Kong asks of upstream and service names, for every Consul name', () => {
    fc.assert(
      fc.property(anyName, (name) => {
        assert.ok(isKongHostName(upstreamName(name)), upstreamName(name))
        assert.match(serviceName(name), /^[A-Za-z0-9._~-]+$/)
        assert.ok(isKongHostName(defaultHost(name, 'mesh')), defaultHost(name, 'mesh'))
        assert.ok(upstreamName(name).length <= 253)
      }),
    )
  })

  test('a lower-case DNS label is the host as it is, anything else its escaped form in lower case', () => {
    assert.equal(defaultHost('web-2', 'mesh'), 'web-2.mesh')
    assert.equal(defaultHost('Web', 'mesh'), 'web.mesh')
    assert.equal(defaultHost('My.App', 'internal'), 'my_2eapp.internal')
  })

  test('a plain segment is the path as it is, anything else its escaped form in lower case', () => {
    assert.equal(defaultPath('Web_2.x'), '/Web_2.x/')
    assert.equal(defaultPath('a b'), '/a_20b/')
    assert.equal(defaultPath('..'), '/_2e_2e/')
  })
})

describe('ids', () => {
  test('are UUIDs of version 5 after RFC 9562', () => {
    assert.equal(
      uuidV5('6ba7b810-9dad-11d1-80b4-00c04fd430c8', 'www.example.com'),
      '2ed6657d-e927-568b-95e1-2665a8aea6a2',
    )
  })

  test('are made of mesh, kind and name in the namespace of kongsul', () => {
    const namespace = uuidV5('6ba7b810-9dad-11d1-80b4-00c04fd430c8', 'kongsul')
    assert.equal(entityId('default', 'upstream', 'web.mesh'), uuidV5(namespace, 'default/upstream/web.mesh'))
  })

  test('differ between upstreams that have the same target', () => {
    assert.notEqual(
      targetId('default', 'web.mesh', '10.0.0.1:80'),
      targetId('default', 'api.mesh', '10.0.0.1:80'),
    )
  })

  test('differ between meshes', () => {
    assert.notEqual(entityId('a', 'service', 'mesh.web'), entityId('b', 'service', 'mesh.web'))
  })
})
