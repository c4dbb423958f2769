import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { instanceFromRow, instancesFromRows } from '../../../operator/core/consul-row.ts'
import { bodyFor, entityFromKong } from '../../../operator/core/kong-json.ts'

/** As a running Kong 3.9.1 answers it. */
const route = {
  id: '4516336e-3606-495e-a371-327ee9eb2358',
  name: 'r1',
  created_at: 1795453347,
  updated_at: 1795453347,
  tags: ['managed-by:kongsul', 'kongsul.mesh:default', 'kongsul.service:a_2eb'],
  service: { id: '5800f435-2416-4728-a0b8-4fe73b51ad96' },
  hosts: ['a.test'],
  headers: { 'x.y': ['1'] },
  paths: null,
}

describe('a row of Kong as an entity', () => {
  test('has all fields by dotted path, without name, id, tags and times', () => {
    const entity = entityFromKong('upstream', {
      id: 'u',
      name: 'web.mesh',
      created_at: 1,
      updated_at: 1,
      tags: null,
      healthchecks: { threshold: 0, passive: { unhealthy: { tcp_failures: 1, http_statuses: [500] } } },
      client_certificate: null,
    })
    assert.deepEqual(entity, {
      kind: 'upstream',
      id: 'u',
      name: 'web.mesh',
      owner: '',
      parent: '',
      tags: [],
      fields: {
        'healthchecks.threshold': 0,
        'healthchecks.passive.unhealthy.tcp_failures': 1,
        'healthchecks.passive.unhealthy.http_statuses': [500],
        client_certificate: null,
      },
    })
  })

  test('keeps references and header maps whole, and knows owner and parent', () => {
    const { fields, owner, parent } = entityFromKong('route', route)
    assert.deepEqual(fields.headers, { 'x.y': ['1'] })
    assert.deepEqual(fields.service, route.service)
    assert.deepEqual([owner, parent], ['a.b', route.service.id])
  })

  test('a target is named by its address in normal form and belongs to its upstream', () => {
    const entity = entityFromKong('target', {
      id: 't',
      target: '[::1]:80',
      weight: 5,
      upstream: { id: 'u' },
      tags: null,
    })
    assert.deepEqual(
      [entity.name, entity.parent, entity.fields],
      ['[0000:0000:0000:0000:0000:0000:0000:0001]:80', 'u', { weight: 5 }],
    )
  })

  test('keys that people choose do not break the paths', () => {
    const config = { add: { headers: ['a:b'] }, map: { 'a.b': 1 }, empty: {} }
    const { fields } = entityFromKong('plugin', { id: 'p', name: 'x', config, service: null, tags: null })
    assert.deepEqual(fields['config.map'], { 'a.b': 1 })
    assert.deepEqual(fields['config.empty'], {})
    assert.deepEqual(fields['config.add.headers'], ['a:b'])
  })

  test('a key called __proto__ is left out', () => {
    const row = JSON.parse('{"id":"s","name":"x","tags":null,"__proto__":{"polluted":true},"host":"h"}')
    const entity = entityFromKong('service', row)
    assert.deepEqual(entity.fields, { host: 'h' })
    assert.equal(({} as Record<string, unknown>).polluted, undefined)
  })
})

describe('the body that writes an entity', () => {
  test('is the row again, nested', () => {
    const { created_at: _created, updated_at: _updated, ...row } = route
    assert.deepEqual(bodyFor(entityFromKong('route', route)), row)
  })

  test('holds only the fields that change for a PATCH', () => {
    const entity = entityFromKong('upstream', {
      id: 'u',
      name: 'web.mesh',
      tags: ['a'],
      algorithm: 'round-robin',
      healthchecks: { passive: { unhealthy: { tcp_failures: 1, timeouts: 0 } } },
    })
    assert.deepEqual(bodyFor(entity, ['healthchecks.passive.unhealthy.tcp_failures', 'tags']), {
      healthchecks: { passive: { unhealthy: { tcp_failures: 1 } } },
      tags: ['a'],
    })
  })

  test('calls the name of a target `target`', () => {
    const entity = entityFromKong('target', {
      id: 't',
      target: '10.0.0.1:80',
      weight: 5,
      upstream: { id: 'u' },
      tags: [],
    })
    assert.deepEqual(bodyFor(entity), { id: 't', target: '10.0.0.1:80', weight: 5, tags: [] })
  })
})

describe('a row of Consul as an instance', () => {
  const row = {
    Node: { Node: 'n1', Address: '10.0.0.9' },
    Service: {
      ID: 'web-1',
      Service: 'web',
      Address: '',
      Port: 80,
      Tags: null,
      Meta: null,
      Weights: { Passing: 3, Warning: 2 },
    },
    Checks: [{ CheckID: 'c', Name: 'http', Status: 'warning', ServiceID: 'web-1' }],
  }

  test('has the address of the node where the service has none', () => {
    assert.deepEqual(instanceFromRow(row), {
      node: 'n1',
      id: 'web-1',
      address: '10.0.0.9',
      port: 80,
      tags: [],
      meta: {},
      weights: { passing: 3, warning: 2 },
      kind: '',
      checks: [{ id: 'c', name: 'http', status: 'warning', serviceId: 'web-1' }],
    })
  })

  test("has Consul's defaults where an old server leaves fields out", () => {
    const { weights, port, kind } = instanceFromRow({ Node: { Node: 'n' }, Service: { Service: 'web' } })
    assert.deepEqual([weights, port, kind], [{ passing: 1, warning: 1 }, 0, ''])
  })

  test('a state of a check that is not known is not taken for healthy', () => {
    const checks = [{ CheckID: 'c', Status: 'resting' }]
    assert.equal(instanceFromRow({ ...row, Checks: checks }).checks[0]?.status, 'critical')
  })

  test('comes in the order of node and id', () => {
    const other = { ...row, Node: { Node: 'n0' } }
    assert.deepEqual(
      instancesFromRows([row, other]).map(({ node }) => node),
      ['n0', 'n1'],
    )
  })
})
