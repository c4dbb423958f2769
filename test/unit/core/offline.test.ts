import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { diff } from '../../../operator/core/diff.ts'
import type { Json } from '../../../operator/core/entity.ts'
import { bodyFor } from '../../../operator/core/kong-json.ts'
import { OfflineFileError, parseActual, parseCatalog } from '../../../operator/core/offline.ts'
import { applied, desire, instance, KEEP, named, namesOf } from './build-mesh.ts'

const idOf = (reference: Json | undefined): Json | undefined => (reference as { id?: Json } | undefined)?.id

const says = (message: RegExp) => (error: unknown) => {
  assert.ok(error instanceof OfflineFileError)
  assert.match(error.message, message)
  return true
}

describe('a catalog from a file', () => {
  const row = {
    Node: { Node: 'n1', Address: '10.0.0.1' },
    Service: { ID: 'w', Service: 'web', Port: 80 },
    Checks: [],
  }

  test("holds Consul's rows by service and KV by key", () => {
    const file = {
      services: { web: [row] },
      kv: { 'mesh/defaults': 'retries: 1', 'mesh/services/web': { retries: 2 } },
    }
    const { snapshot, documents } = parseCatalog(JSON.stringify(file))
    assert.equal(snapshot.services.get('web')?.[0]?.address, '10.0.0.1')
    assert.deepEqual(
      [...documents],
      [
        ['mesh/defaults', 'retries: 1'],
        ['mesh/services/web', '{"retries":2}'],
      ],
    )
  })

  const faults: [what: string, text: string, message: RegExp][] = [
    ['no services', '{}', /services must be an object/],
    ['services as a list', '{"services":[]}', /services must be an object/],
    ['rows as an object', '{"services":{"web":{}}}', /services\.web must be a list/],
    [
      'a row without node',
      '{"services":{"web":[{"Service":{"Service":"web"}}]}}',
      /services\.web\[0\]\.Node must be an object/,
    ],
    [
      'a row without service name',
      '{"services":{"web":[{"Node":{"Node":"n"},"Service":{}}]}}',
      /services\.web\[0\]\.Service\.Service must be a name/,
    ],
    ['neither JSON nor YAML', '{"services":', /neither JSON nor YAML/],
    ['a list', '[]', /the file must be an object/],
  ]
  for (const [what, text, message] of faults) {
    test(`with ${what} is refused and names the place`, () =>
      assert.throws(() => parseCatalog(text), says(message)))
  }
})

describe('what Kong holds, from a file', () => {
  const wanted = desire({ web: [instance(1)], 'a.b': [instance(2)] }).state
  const inKong = applied(wanted)
  const bodies = (kind: string): Record<string, Json>[] =>
    [...inKong.values()]
      .filter((entity) => entity.kind === kind)
      .map((entity) => ({
        ...bodyFor(entity),
        ...(kind === 'target' ? { upstream: { id: entity.parent } } : {}),
      }))
  const lists = {
    upstreams: bodies('upstream'),
    targets: bodies('target'),
    services: bodies('service'),
    routes: bodies('route'),
  }

  test('is the state again when it is in lists', () => {
    assert.deepEqual(diff(parseActual(JSON.stringify(lists)), wanted, KEEP).changes, [])
  })

  test('is the state again when it is in pages', () => {
    const pages = Object.fromEntries(Object.entries(lists).map(([key, data]) => [key, { data, next: null }]))
    assert.deepEqual(diff(parseActual(JSON.stringify(pages)), wanted, KEEP).changes, [])
  })

  test('is the state again when it is nested and has no ids, as in a declarative file', () => {
    const withoutId = ({
      id: _id,
      service: _service,
      upstream: _upstream,
      ...rest
    }: Record<string, unknown>) => rest
    const file = {
      _format_version: '3.0',
      upstreams: lists.upstreams.map((upstream) => ({
        ...withoutId(upstream),
        targets: lists.targets.filter((target) => idOf(target.upstream) === upstream.id).map(withoutId),
      })),
      services: lists.services.map((service) => ({
        ...withoutId(service),
        routes: lists.routes.filter((route) => idOf(route.service) === service.id).map(withoutId),
      })),
    }
    assert.deepEqual(diff(parseActual(JSON.stringify(file)), wanted, KEEP).changes, [])
  })

  test('is read from the answer of GET /config, where references are ids or names', () => {
    const config =
      'services:\n- {id: s1, name: site, host: h}\nroutes:\n- {id: r1, name: r, paths: [/x], service: site}\n'
    const state = parseActual(JSON.stringify({ config }))
    assert.equal(named(state, 'route', 'r')?.parent, 's1')
    assert.deepEqual(namesOf(state, 'service'), ['site'])
  })

  test('an empty file is an empty Kong', () => assert.equal(parseActual('{}').size, 0))

  test('that is no list is refused and names the place', () => {
    assert.throws(() => parseActual('{"routes": 5}'), says(/routes must be a list/))
    assert.throws(() => parseActual('{"routes": [5]}'), says(/routes\[0\] must be an object/))
  })
})
