import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Entity } from '../../../operator/core/entity.ts'
import { applied, codesOf, desire, foreignRoute, instance, named, stateOf } from './build-mesh.ts'

const one = [instance(1)]

const reportOf = (...args: Parameters<typeof desire>) => {
  const { services, problems } = desire(...args)
  return { services: Object.fromEntries(services.map((report) => [report.service, report])), problems }
}

describe('own routes', () => {
  test('own hosts replace the default host and leave the prefix', () => {
    const documents = { 'mesh/services/web': { routing: { hosts: ['Shop.example.com'] } } }
    const { services } = reportOf({ web: one }, { documents })
    assert.deepEqual([services.web?.hosts, services.web?.paths], [['shop.example.com'], ['/web/']])
  })

  test('own paths replace the default prefix and leave the host', () => {
    const documents = { 'mesh/services/web': { routing: { paths: ['/shop/'] } } }
    const { services } = reportOf({ web: one }, { documents })
    assert.deepEqual([services.web?.hosts, services.web?.paths], [['web.mesh'], ['/shop/']])
  })

  test('paths: off leaves the host alone', () => {
    const documents = { 'mesh/defaults': { routing: { paths: 'off' } } }
    const { services } = reportOf({ web: one }, { documents })
    assert.deepEqual([services.web?.hosts, services.web?.paths], [['web.mesh'], []])
  })

  test('routes of the settings replace both defaults', () => {
    const routes = [
      {
        name: 'v2',
        hosts: ['a.test'],
        paths: ['/v2'],
        methods: ['GET'],
        headers: { 'x-v': ['2'] },
        stripPath: false,
      },
    ]
    const { state } = desire({ web: one }, { documents: { 'mesh/services/web': { routing: { routes } } } })
    const all = [...state.values()].filter(({ kind }) => kind === 'route')
    assert.deepEqual(
      all.map(({ name }) => name),
      ['mesh.web.v2'],
    )
    const { fields } = all[0]!
    assert.deepEqual(
      [fields.hosts, fields.paths, fields.methods, fields.headers, fields.strip_path],
      [['a.test'], ['/v2'], ['GET'], { 'x-v': ['2'] }, false],
    )
  })
})

describe('hosts and paths from meta', () => {
  const meta = { 'mesh-hosts': 'shop.example.com', 'mesh-paths': '/shop/' }

  test('are refused unless routing.allowed grants them; the defaults stay', () => {
    const { services, problems } = reportOf({ web: [instance(1, { meta })] })
    assert.deepEqual([services.web?.hosts, services.web?.paths], [['web.mesh'], ['/web/']])
    assert.deepEqual(codesOf(problems), ['HOST_NOT_ALLOWED', 'PATH_NOT_ALLOWED'])
  })

  test('hold where routing.allowed of mesh/defaults grants them', () => {
    const documents = { 'mesh/defaults': { routing: { allowed: ['*.example.com', '/shop/'] } } }
    const { services, problems } = reportOf({ web: [instance(1, { meta })] }, { documents })
    assert.deepEqual([services.web?.hosts, services.web?.paths], [['shop.example.com'], ['/shop/']])
    assert.deepEqual(problems, [])
  })

  test('may be below the own prefix without a grant', () => {
    const { services } = reportOf({ web: [instance(1, { meta: { 'mesh-paths': '/web/v2/' } })] })
    assert.deepEqual(services.web?.paths, ['/web/v2/'])
  })

  test('never are the host of another service, whatever is granted', () => {
    const documents = { 'mesh/defaults': { routing: { allowed: ['*'] } } }
    const hosts = { 'mesh-hosts': 'api.mesh,ok.test' }
    const { services, problems } = reportOf({ web: [instance(1, { meta: hosts })], api: one }, { documents })
    assert.deepEqual(services.web?.hosts, ['ok.test'])
    assert.deepEqual(services.api?.hosts, ['api.mesh'])
    assert.deepEqual(codesOf(problems), ['HOST_RESERVED'])
  })

  const grants: [pattern: string, path: string, granted: boolean][] = [
    ['/shop/', '/shop/', true],
    ['/shop/', '/shop/cart', true],
    ['/shop', '/shop/cart', true],
    ['/shop', '/shopping', false],
    ['/shop*', '/shopping', true],
    ['*.test', '/shop', false],
    ['*', '/shop', true],
  ]
  for (const [pattern, path, granted] of grants) {
    test(`${pattern} ${granted ? 'grants' : 'does not grant'} ${path}`, () => {
      const documents = { 'mesh/defaults': { routing: { allowed: [pattern] } } }
      const { services } = reportOf({ web: [instance(1, { meta: { 'mesh-paths': path } })] }, { documents })
      assert.deepEqual(services.web?.paths, [granted ? path : '/web/'])
    })
  }
})

describe('a host or path that two services want', () => {
  const wanted = { routing: { hosts: ['a.test'], paths: ['/a/'] } }
  const documents = { 'mesh/services/b': wanted, 'mesh/services/c': wanted }

  test('is kept by the first by name, and the loser is told', () => {
    const { services, problems } = reportOf({ c: one, b: one }, { documents })
    assert.deepEqual([services.b?.hosts, services.b?.paths], [['a.test'], ['/a/']])
    assert.deepEqual([services.c?.exposed, services.c?.hosts], [false, []])
    assert.deepEqual(codesOf(problems), ['HOST_TAKEN', 'PATH_TAKEN'])
    assert.ok(problems.every(({ service }) => service === 'c'))
  })

  test('goes to the other when the first is gone', () => {
    assert.deepEqual(reportOf({ c: one }, { documents }).services.c?.hosts, ['a.test'])
  })

  test('goes to the one that KV grants it, not to one that takes it by its meta', () => {
    const granted = {
      'mesh/defaults': { routing: { allowed: ['a.test'] } },
      'mesh/services/c': { routing: { hosts: ['a.test'] } },
    }
    const { services } = reportOf(
      { b: [instance(1, { meta: { 'mesh-hosts': 'a.test' } })], c: one },
      { documents: granted },
    )
    assert.deepEqual([services.b?.hosts, services.c?.hosts], [[], ['a.test']])
  })

  test('is not taken by a service that is not exposed', () => {
    const hidden = { ...documents, 'mesh/services/b': { ...wanted, expose: false } }
    assert.deepEqual(reportOf({ b: one, c: one }, { documents: hidden }).services.c?.hosts, ['a.test'])
  })

  test('is reserved when it is the host of a service of exactly that name, though another comes first by name', () => {
    const { services, problems } = reportOf({ WEB: one, web: one })
    assert.deepEqual(services.web?.hosts, ['web.mesh'])
    assert.deepEqual([services.WEB?.hosts, services.WEB?.paths], [[], ['/WEB/']])
    assert.deepEqual(codesOf(problems), ['HOST_TAKEN'])
  })

  test('is reserved even while its service is not exposed', () => {
    const settings = {
      'mesh/services/a': { routing: { hosts: ['web.mesh', 'a.test'] } },
      'mesh/services/web': { expose: false },
    }
    assert.deepEqual(reportOf({ a: one, web: one }, { documents: settings }).services.a?.hosts, ['a.test'])
  })
})

describe('routes that are not ours', () => {
  const withForeign = (fields: Parameters<typeof foreignRoute>[1]) => ({
    actual: stateOf(foreignRoute('site', fields)),
  })

  const conflicts: [
    what: string,
    fields: Parameters<typeof foreignRoute>[1],
    hosts: boolean,
    paths: boolean,
  ][] = [
    ['with the same path', { paths: ['/web/'] }, true, false],
    ['with a shorter prefix', { paths: ['/'] }, true, false],
    ['with a prefix that ends inside the segment', { paths: ['/we'] }, true, false],
    ['with a method and no path', { methods: ['GET'] }, true, false],
    ['with another path', { paths: ['/api/'] }, true, true],
    ['with a longer path', { paths: ['/web/admin'] }, true, true],
    ['with the same host', { hosts: ['web.mesh'] }, false, true],
    ['with a wildcard over the host', { hosts: ['*.mesh'] }, false, false],
    ['with another host', { hosts: ['example.com'] }, true, true],
    ['with another host and the same path', { hosts: ['example.com'], paths: ['/web/'] }, true, true],
    ['of a stream', { protocols: ['tcp'], sources: [{ port: 1 }] }, true, true],
  ]
  for (const [what, fields, hosts, paths] of conflicts) {
    test(`one ${what}: host route ${hosts ? 'created' : 'not created'}, path route ${paths ? 'created' : 'not created'}`, () => {
      const { services, problems } = reportOf({ web: one }, withForeign(fields))
      assert.deepEqual([services.web?.hosts.length === 1, services.web?.paths.length === 1], [hosts, paths])
      assert.equal(codesOf(problems).includes('ROUTE_CONFLICT'), !(hosts && paths))
    })
  }

  test('takeover: true creates the default route nonetheless', () => {
    const documents = { 'mesh/services/web': { routing: { takeover: true } } }
    const { services } = reportOf({ web: one }, { documents, ...withForeign({ paths: ['/'] }) })
    assert.deepEqual(services.web?.paths, ['/web/'])
  })

  test('own routes are created nonetheless: somebody asked for them', () => {
    const documents = { 'mesh/services/web': { routing: { paths: ['/shop/'] } } }
    const { services } = reportOf({ web: one }, { documents, ...withForeign({ paths: ['/'] }) })
    assert.deepEqual(services.web?.paths, ['/shop/'])
  })

  test('a catch-all that comes later does not make routes of ours disappear', () => {
    const before = applied(desire({ web: one }).state)
    const catchAll = foreignRoute('site', { paths: ['/'] })
    const actual = new Map([...before, ...stateOf(catchAll)])
    assert.deepEqual(reportOf({ web: one }, { actual }).services.web?.paths, ['/web/'])
  })

  const shadows: [what: string, fields: Parameters<typeof foreignRoute>[1], shadowed: boolean][] = [
    ['a regular expression over the prefix', { paths: ['~/web/.*'] }, true],
    ['a regular expression elsewhere', { paths: ['~/api/.*'] }, false],
    ['a longer path below the prefix', { paths: ['/web/admin'] }, true],
    ['the host with a path', { hosts: ['web.mesh'], paths: ['/x'] }, true],
    ['a path with a method', { paths: ['/x'], methods: ['GET'] }, true],
    ['another host', { hosts: ['example.com'] }, false],
  ]
  for (const [what, fields, shadowed] of shadows) {
    test(`${what} ${shadowed ? 'is reported as going first' : 'is no shadow'}`, () => {
      const { problems } = reportOf({ web: one }, withForeign(fields))
      assert.equal(codesOf(problems).includes('ROUTE_SHADOWED'), shadowed)
    })
  }

  test('a route of ours that somebody’s PUT took the tags from is no shadow of itself', () => {
    const { state } = desire({ web: one })
    const ours = named(state, 'route', 'mesh.web.host') as Entity
    const fields = { ...ours.fields, methods: ['GET'] }
    const untagged: Entity = { ...ours, fields, tags: [], owner: '' }
    const { problems } = reportOf({ web: one }, { actual: stateOf(untagged) })
    assert.deepEqual(codesOf(problems), [])
  })

  test('one that goes before many of ours is one problem', () => {
    const services = { a: one, b: one, c: one }
    const { problems } = reportOf(services, withForeign({ paths: ['/x'], methods: ['GET'] }))
    assert.deepEqual(codesOf(problems), ['ROUTE_SHADOWED'])
    assert.equal(problems[0]?.service, '')
  })
})

test('a route names its Kong service by id', () => {
  const { state } = desire({ web: one })
  const service = named(state, 'service', 'mesh.web') as Entity
  assert.deepEqual(named(state, 'route', 'mesh.web.host')?.fields.service, { id: service.id })
})
