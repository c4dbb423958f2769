import { deepEqual, equal, match } from 'node:assert/strict'
import { test } from 'node:test'
import { type ExplainedRequest, explainRequest } from '../../../operator/core/explain-request.ts'
import { entityFromKong } from '../../../operator/core/kong-json.ts'
import { applied, desire, foreignRoute, instance } from './build-mesh.ts'

const { state } = desire({ web: [instance(1)], api: [instance(2)] })
const mesh = [...applied(state).values()]
const ask = (url: string, over: Partial<ExplainedRequest> = {}): ExplainedRequest => ({
  method: 'GET',
  url,
  headers: new Map(),
  ...over,
})
const plugin = (name: string, over: object) =>
  entityFromKong('plugin', { id: `${name}-id`, name, enabled: true, tags: null, ...over })

test('a default host leads to the route and the service of its own', () => {
  const { route, service, beat } = explainRequest(ask('http://web.mesh/x'), mesh)
  deepEqual(
    [route?.name, route?.service, route?.managed, route?.upstreamPath, service?.name, beat],
    ['mesh.web.host', 'web', true, '/x', 'mesh.web', []],
  )
})

test('a default path is stripped', () => {
  const { route } = explainRequest(ask('http://proxy/web/users?q=1'), mesh)
  deepEqual([route?.name, route?.upstreamPath], ['mesh.web.path', '/users'])
})

test('the Host header wins over the URL', () => {
  const headers = new Map([['host', ['api.mesh']]])
  equal(explainRequest(ask('http://web.mesh/', { headers }), mesh).route?.service, 'api')
})

test('what matches as well is told with why it lost', () => {
  const other = foreignRoute('theirs', { paths: ['/'] })
  const narrow = foreignRoute('narrow', { paths: ['/'], methods: ['GET'], hosts: ['web.mesh'] })
  const { route, beat } = explainRequest(ask('http://web.mesh/web/x'), [...mesh, other, narrow])
  equal(route?.name, 'narrow')
  deepEqual(
    beat.map(({ name, managed }) => [name, managed]),
    [
      ['mesh.web.host', true],
      ['mesh.web.path', true],
      ['theirs', false],
    ],
  )
  match(beat[0]!.reason, /fewer kinds of conditions \(1 against 3\)/)
  match(beat[1]!.reason, /no plain host/)
})

test('a request that no route takes has none', () => {
  deepEqual(explainRequest(ask('http://nobody.mesh/'), mesh), {
    route: null,
    beat: [],
    service: null,
    plugins: [],
    hint: null,
  })
})

test('a host is compared as it is written, and what would have been taken is told', () => {
  for (const url of ['http://WEB.mesh/x', 'http://web.mesh./x', 'http://Web.Mesh:8000/x']) {
    const { route, hint } = explainRequest(ask(url), mesh)
    equal(route, null)
    match(hint ?? '', /web\.mesh(:8000)? would be taken by mesh\.web\.host/)
  }
  const headers = new Map([['host', ['WEB.mesh']]])
  equal(explainRequest(ask('http://web.mesh/', { headers }), mesh).route, null)
})

test('the path that goes on is escaped as Kong sends it', () => {
  const path = (url: string) => explainRequest(ask(url), mesh).route?.upstreamPath
  equal(path('http://web.mesh/a%20b/%c3%bc'), '/a%20b/%C3%BC')
  equal(path('http://proxy/web/x%41%7e%2f'), '/xA~%2F')
})

test('a header or a method that does not match leads elsewhere', () => {
  const picky = foreignRoute('picky', {
    hosts: ['web.mesh'],
    headers: { 'x-beta': ['yes'] },
    methods: ['POST'],
  })
  const entities = [...mesh, picky]
  const beta = new Map([['x-beta', ['yes']]])
  equal(explainRequest(ask('http://web.mesh/', { headers: beta }), entities).route?.name, 'mesh.web.host')
  const posted = ask('http://web.mesh/', { headers: beta, method: 'POST' })
  equal(explainRequest(posted, entities).route?.name, 'picky')
})

test('a route of the right host that is switched off or asks for more is told', () => {
  const hintFor = (kind: string, name: string, fields: object) => {
    const edited = mesh.map((each) =>
      each.kind === kind && each.name === name ? { ...each, fields: { ...each.fields, ...fields } } : each,
    )
    const { route, hint } = explainRequest(ask('http://web.mesh/'), edited)
    equal(route, null)
    return hint
  }
  const start = 'mesh.web.host has this host and path and does not take it: '
  equal(hintFor('service', 'mesh.web', { enabled: false }), `${start}its service mesh.web is switched off.`)
  equal(
    hintFor('route', 'mesh.web.host', { methods: ['POST'], headers: { 'x-v': ['2'] } }),
    `${start}it asks for methods ["POST"], headers {"x-v":["2"]}.`,
  )
})

test('a route of a stream protocol has no part in it', () => {
  const stream = foreignRoute('stream', { protocols: ['tls_passthrough'], snis: ['p.example'] })
  const { route, beat } = explainRequest(ask('http://web.mesh/'), [...mesh, stream])
  deepEqual([route?.name, beat], ['mesh.web.host', []])
})

test('a route for the other scheme is told as what Kong answers', () => {
  const secure = foreignRoute('secure', { hosts: ['s.example'], protocols: ['https'] })
  equal(
    explainRequest(ask('http://s.example/'), [...mesh, secure]).route?.note,
    'not for http: Kong answers 426',
  )
})

test('of the same plugin the one closest to the request runs', () => {
  const { service, route } = explainRequest(ask('http://web.mesh/'), mesh)
  const plugins = [
    plugin('cors', { id: 'everywhere' }),
    plugin('cors', { id: 'here', service: { id: service!.id } }),
    plugin('acl', { route: { id: route!.id }, enabled: false }),
    plugin('jwt', { route: { id: 'another' } }),
    plugin('key-auth', { service: { id: 'another' } }),
  ]
  deepEqual(
    explainRequest(ask('http://web.mesh/'), [...mesh, ...plugins]).plugins.map(({ id, scope, runs }) => [
      id,
      scope,
      runs,
    ]),
    [
      ['acl-id', 'route', false],
      ['here', 'service', true],
      ['everywhere', 'global', false],
    ],
  )
})

test('a route with a regex that Kong would refuse disturbs nothing', () => {
  const broken = foreignRoute('broken', { paths: ['~/('] })
  equal(explainRequest(ask('http://web.mesh/'), [...mesh, broken]).route?.name, 'mesh.web.host')
})
