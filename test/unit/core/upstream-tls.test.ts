import { deepEqual, equal, match } from 'node:assert/strict'
import { test } from 'node:test'
import {
  faultOfAuthority,
  readAuthorityDocument,
} from '../../../operator/core/certificates/authority-document.ts'
import type { Certificates } from '../../../operator/core/certificates/certificate-entities.ts'
import { certificatesOf } from '../../../operator/core/certificates/upstream-tls.ts'
import { wokenServices } from '../../../operator/core/certificates/woken-services.ts'
import { desired } from '../../../operator/core/desired.ts'
import { applyChange, type Change, diff } from '../../../operator/core/diff.ts'
import { bodyFor, entityFromKong, stateOf } from '../../../operator/core/kong-json.ts'
import { entityId } from '../../../operator/core/names.ts'
import { orderChanges } from '../../../operator/core/plan-order.ts'
import { acceptSettings } from '../../../operator/core/settings.ts'
import { makeCertificate } from '../../support/make-certificate.ts'
import { catalog, instance, named, OPTIONS, settingsOf } from './build-mesh.ts'

const VERIFIED = { protocol: 'https', tls: { verify: true, serverName: 'api.internal', ca: 'inner' } }
const there = (names: string[], authorities: string[]): Certificates => ({
  ready: names.map((name) => ({ name, cert: 'c', key: 'k', hosts: [], endsAtMs: 0 })),
  kept: [],
  authorities: authorities.map((name) => ({ name, cert: 'c' })),
})
const desire = (
  documents: Record<string, object>,
  certificates: Certificates,
  services = { api: [instance(1)] },
) =>
  desired({
    snapshot: catalog(services),
    settings: settingsOf(
      Object.fromEntries(
        Object.entries(documents).map(([name, document]) => [`mesh/services/${name}`, document]),
      ),
    ),
    options: OPTIONS,
    actual: new Map(),
    certificates,
  })

test('a service that speaks TLS has its authorities, its name and what it is shown', () => {
  const tls = { verify: true, serverName: 'api.internal', ca: ['b', 'a'], clientCertificate: 'own' }
  const { state, problems } = desire({ api: { protocol: 'https', tls } }, there(['own'], ['a', 'b']))
  const { fields } = named(state, 'service', 'mesh.api')!
  deepEqual(
    [fields.tls_verify, fields.ca_certificates, fields.client_certificate],
    [
      true,
      ['a', 'b'].map((name) => entityId('default', 'ca_certificate', name)).sort(),
      { id: entityId('default', 'certificate', 'own') },
    ],
  )
  equal(named(state, 'upstream', 'api.mesh')!.fields.host_header, 'api.internal')
  deepEqual(problems, [])
})

test('a service without TLS has none of these fields, and is told when it asks for them', () => {
  const { state, problems } = desire({ api: { tls: VERIFIED.tls } }, there([], ['inner']))
  const { fields } = named(state, 'service', 'mesh.api')!
  equal('tls_verify' in fields || 'client_certificate' in fields, false)
  equal('host_header' in named(state, 'upstream', 'api.mesh')!.fields, false)
  deepEqual(
    problems.map(({ code }) => code),
    ['TLS_UNUSED'],
  )
})

test('nothing is called verified that Kong cannot verify', () => {
  const cases: [tls: object, error: RegExp][] = [
    [{ verify: true }, /tls must have serverName and ca beside verify: true/],
    [{ verify: true, serverName: 'x.example' }, /tls must have serverName and ca/],
    [{ verify: true, ca: 'inner' }, /tls must have serverName and ca/],
    [{ verify: true, serverName: '10.0.0.1', ca: 'inner' }, /tls\.serverName must be a DNS name/],
    [{ verify: true, serverName: 'x.example', ca: 'connect' }, /tls\.ca must not be connect: .* no DNS name/],
    [{ ca: [] }, /tls\.ca/],
  ]
  for (const [tls, error] of cases) {
    const { refused } = acceptSettings(null, new Map([['mesh/services/api', JSON.stringify({ tls })]]))
    match(refused.get('mesh/services/api')!.errors.join('\n'), error)
  }
})

test('meta of a service sets none of its limits, rules, headers or TLS', () => {
  const meta = {
    'mesh-protocol': 'https',
    'mesh-tls-verify': 'false',
    'mesh-tls-client-certificate': 'own',
    'mesh-access-allow': '0.0.0.0/0',
    'mesh-request-size-max-bytes': '1',
    'mesh-cors-origins': '*',
    'mesh-headers-request-remove': 'X-A',
    'mesh-rate-limit-enabled': 'false',
    'mesh-routing-https': 'optional',
  }
  const { state, problems } = desire({ api: VERIFIED }, there([], ['inner']), {
    api: [instance(1, { meta })],
  })
  equal(problems.filter(({ code }) => code === 'META_REFUSED').length, Object.keys(meta).length - 1)
  equal(named(state, 'service', 'mesh.api')!.fields.tls_verify, true)
})

test('what is named and not there is told by name', () => {
  const tls = { ...VERIFIED.tls, clientCertificate: 'connect' }
  const { problems } = desire({ api: { ...VERIFIED, tls } }, there([], []))
  deepEqual(
    problems.map(({ code, message }) => [code, /tls names ([^ ,]+)/.exec(message)![1]]),
    [
      ['TLS_CERTIFICATE_MISSING', 'mesh/authorities/inner'],
      ['TLS_CERTIFICATE_MISSING', 'connect'],
    ],
  )
})

test('a checked service that shares an address with an unchecked one is told as not verified', () => {
  const [shared, apart] = [instance(1), instance(2)]
  const mixed = (services: Record<string, (typeof shared)[]>) =>
    desire({ api: VERIFIED, old: { protocol: 'https' }, plain: {} }, there([], ['inner']), services as never)
      .problems.filter(({ code }) => code === 'TLS_MIXED')
      .map(({ service, message }) => [service, /^(\S+) is not verified/.exec(message)![1]])
  deepEqual(mixed({ api: [shared, apart], old: [shared] }), [['api', '10.0.0.1:80']])
  deepEqual(mixed({ api: [shared], old: [apart] }), [])
  // Without TLS it is another connection.
  deepEqual(mixed({ api: [shared], plain: [shared] }), [])
})

test('who waits for a certificate is looked at when it comes, and it when the last lets it go', () => {
  const { groups } = desire({ api: VERIFIED }, there([], ['inner']), {
    api: [instance(1)],
    web: [instance(2)],
  } as never)
  const authority = [...groups.get('mesh/certificates')!].find(({ kind }) => kind === 'ca_certificate')!
  const service = groups.get('api')!.find(({ kind }) => kind === 'service')!
  const change = (over: Partial<Change>): Change => ({
    action: 'create',
    entity: authority,
    before: null,
    fields: [],
    service: '',
    ...over,
  })
  deepEqual(certificatesOf(service), [`ca_certificate/${authority.id}`])
  deepEqual(wokenServices(change({}), groups), ['api'])
  const letsGo = { action: 'update', entity: service, before: service, fields: ['ca_certificates'] } as const
  deepEqual(wokenServices(change(letsGo), groups), ['mesh/certificates'])
  deepEqual(wokenServices(change({ ...letsGo, fields: ['retries'] }), groups), [])
  const steps = orderChanges([change({ entity: service }), change({})])
  deepEqual(
    steps.map(([first]) => first!.entity.kind),
    ['ca_certificate', 'service'],
  )
})

test('an authority is one certificate of one that may sign', () => {
  const authority = makeCertificate(['authority'], { isAuthority: true })
  const leaf = makeCertificate(['leaf'], { by: authority })
  equal(faultOfAuthority(authority.cert), null)
  match(faultOfAuthority(leaf.cert)!, /not that of an authority/)
  match(faultOfAuthority(authority.cert + authority.cert)!, /one certificate/)
  match(faultOfAuthority('-----BEGIN CERTIFICATE-----')!, /no certificate in PEM/)
  deepEqual(readAuthorityDocument(authority.cert), { ok: true, cert: { text: authority.cert } })
  deepEqual(readAuthorityDocument(JSON.stringify({ cert: authority.cert })), {
    ok: true,
    cert: { text: authority.cert },
  })
  deepEqual(readAuthorityDocument('certFile: ca/inner.pem'), { ok: true, cert: { file: 'ca/inner.pem' } })
  for (const text of ['certFile: ../x', '{}', 'cert: x\ncertFile: y', '[1]'])
    equal(readAuthorityDocument(text).ok, false)
})

test('a service that gives up TLS, its redirect or its name loses what only these had', () => {
  const tls = { ...VERIFIED.tls, clientCertificate: 'own' }
  const certificates = there(['own'], ['inner'])
  const secure = desire({ api: { ...VERIFIED, tls, routing: { https: 'redirect' } } }, certificates)
  const inKong = stateOf(
    [...secure.state.values()].map((each) => {
      const parent = each.kind === 'target' ? { upstream: { id: each.parent } } : {}
      return entityFromKong(each.kind, { ...bodyFor(each), ...parent })
    }),
  )
  const plain = desire({ api: {} }, certificates)
  const options = { mesh: 'default', policy: 'keep' } as const
  const { changes, overrides } = diff(inKong, plain.state, options)
  deepEqual(overrides, [])
  const bodyOf = (kind: string, name: string) => {
    const { entity, fields } = changes.find((each) => each.entity.kind === kind && each.entity.name === name)!
    const { tags: _, ...body } = bodyFor(entity, fields)
    return body
  }
  deepEqual(bodyOf('service', 'mesh.api'), {
    protocol: 'http',
    tls_verify: null,
    ca_certificates: null,
    client_certificate: null,
  })
  deepEqual(bodyOf('upstream', 'api.mesh'), { host_header: null })
  deepEqual(bodyOf('route', 'mesh.api.host'), {
    protocols: ['http', 'https'],
    https_redirect_status_code: 426,
  })
  const after = changes.reduce(applyChange, inKong)
  deepEqual(diff(after, plain.state, options), { changes: [], overrides: [], conflicts: [] })
})

test('a redirect on a route that Kong gave its own answer is nobody’s edit', () => {
  const before = desire({ api: {} }, there([], []))
  const inKong = stateOf(
    [...before.state.values()].map((each) => {
      const parent = each.kind === 'target' ? { upstream: { id: each.parent } } : {}
      const byKong = each.kind === 'route' ? { https_redirect_status_code: 426 } : {}
      return entityFromKong(each.kind, { ...bodyFor(each), ...parent, ...byKong })
    }),
  )
  const after = desire({ api: { routing: { https: 'redirect' } } }, there([], []))
  const { changes, overrides } = diff(inKong, after.state, { mesh: 'default', policy: 'keep' })
  deepEqual(overrides, [])
  const { fields } = changes.find(({ entity }) => entity.name === 'mesh.api.host')!.entity
  deepEqual([fields.protocols, fields.https_redirect_status_code], [['https'], 308])
})
