import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import type { Entity } from '../../../operator/core/entity.ts'
import { instance } from '../core/build-mesh.ts'
import { desireWith, type RawLists, router, splitter } from './build-policies.ts'

const services = { web: [instance(1)], api: [instance(2)] }
const HTTP = { 'proxy-defaults': [{ Kind: 'proxy-defaults', Name: 'global', Config: { protocol: 'http' } }] }

/** Plugins of the Kong service of this name. */
function pluginsOn(kongService: RegExp, lists: RawLists, documents: Record<string, unknown>): Entity[] {
  const { state } = desireWith({ ...HTTP, ...lists }, services, documents)
  const on = [...state.values()].find(({ kind, name }) => kind === 'service' && kongService.test(name))!
  return [...state.values()].filter(({ kind, parent }) => kind === 'plugin' && parent === on.id)
}
const fieldsOf = (plugins: Entity[], name: string) => plugins.find((each) => each.name === name)?.fields

const toApi = (Destination: object = {}) => ({
  'service-router': [
    router('web', {
      Match: { HTTP: { PathPrefix: '/api' } },
      Destination: { Service: 'api', ...Destination },
    }),
  ],
})

test('header changes of a route and of the settings are one plugin, the route’s done last', () => {
  const lists = toApi({ RequestHeaders: { Set: { 'X-Env': 'route' }, Remove: ['X-Team'] } })
  const documents = {
    'mesh/services/api': { headers: { request: { set: { 'x-env': 'all', 'X-Team': 'a', 'X-Keep': '1' } } } },
  }
  const plugins = pluginsOn(/^mesh\.web\.api\._/, lists, documents)
  equal(plugins.length, 1)
  const fields = fieldsOf(plugins, 'request-transformer')!
  deepEqual(fields['config.add.headers'], ['X-Env:route', 'X-Keep:1'])
  deepEqual(fields['config.remove.headers'], ['X-Team'])
})

test('requests led to another service are limited and let in by the settings of both', () => {
  const documents = {
    'mesh/services/web': { access: { deny: ['10.0.0.1'] }, rateLimit: { minute: 5 } },
    'mesh/services/api': { access: { deny: ['10.0.0.2'] }, rateLimit: { minute: 9, second: 1 } },
  }
  const plugins = pluginsOn(/^mesh\.web\.api$/, toApi(), documents)
  deepEqual(fieldsOf(plugins, 'ip-restriction')!['config.deny'], ['10.0.0.1', '10.0.0.2'])
  const limit = fieldsOf(plugins, 'rate-limiting')!
  deepEqual([limit['config.minute'], limit['config.second']], [5, 1])
  // What is asked for directly is each one's own business.
  const own = pluginsOn(/^mesh\.api$/, toApi(), documents)
  deepEqual(fieldsOf(own, 'ip-restriction')!['config.deny'], ['10.0.0.2'])
})

test('a split lets in whom all that may answer let in, and each plugin is there once', () => {
  const lists = { 'service-splitter': [splitter('web', { Weight: 50 }, { Weight: 50, Service: 'api' })] }
  const documents = { 'mesh/services/api': { access: { deny: ['10.0.0.2'] }, requestSize: { maxBytes: 7 } } }
  const plugins = pluginsOn(/^mesh\.web$/, lists, documents)
  deepEqual(plugins.map(({ name }) => name).sort(), ['ip-restriction', 'request-size-limiting'])
})

test('a route changes no header that the gateway needs, and none whose name Kong refuses', () => {
  const lists = toApi({
    RequestHeaders: { Set: { 'X-Mesh-Route': 'x', 'X.Dotted': '1', 'X-Fine': '1' }, Remove: ['x-mesh-span'] },
    ResponseHeaders: { Remove: ['X-Mesh-Route', 'X-Out'] },
  })
  const plugins = pluginsOn(/^mesh\.web\.api\._/, lists, {})
  const request = fieldsOf(plugins, 'request-transformer')!
  deepEqual([request['config.add.headers'], request['config.remove.headers']], [['X-Fine:1'], []])
  deepEqual(fieldsOf(plugins, 'response-transformer')!['config.remove.headers'], ['X-Out'])
  const { problems } = desireWith({ ...HTTP, ...lists }, services)
  equal(problems.filter(({ code }) => code === 'ENTRY_UNSUPPORTED').length, 4)
})

test('a header that the answering service removes is not set by the one that the request is for', () => {
  const documents = {
    'mesh/services/web': { headers: { request: { set: { 'X-Team': 'web', 'X-Env': '1' } } } },
    'mesh/services/api': { headers: { request: { remove: ['x-team'] } } },
  }
  const fields = fieldsOf(pluginsOn(/^mesh\.web\.api$/, toApi(), documents), 'request-transformer')!
  deepEqual([fields['config.add.headers'], fields['config.remove.headers']], [['X-Env:1'], ['x-team']])
})
