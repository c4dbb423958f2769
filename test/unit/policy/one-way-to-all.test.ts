// Kong speaks one way to all targets of an upstream: who asks for another is left out, and told.
import { deepEqual, equal, match } from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { KongState } from '../../../operator/core/entity.ts'
import { named } from '../core/build-mesh.ts'
import { desireWith, resolver, splitter, versioned } from './build-policies.ts'

const services = { web: [versioned(1, 'v1')], api: [versioned(2, 'v1')], pay: [versioned(3, 'v1')] }
const [WEB, API, PAY] = ['10.0.0.1:80', '10.0.0.2:80', '10.0.0.3:80']
const thirds = {
  'service-splitter': [
    splitter('web', { Weight: 50 }, { Weight: 25, Service: 'api' }, { Weight: 25, Service: 'pay' }),
  ],
}
const checked = { verify: true, serverName: 'api.internal', ca: 'internal' }
const https = (tls?: object) => ({ protocol: 'https', ...(tls === undefined ? {} : { tls }) })

function weightsOf(state: KongState, upstream: string): [target: string, weight: number][] {
  const { id } = named(state, 'upstream', upstream)!
  return [...state.values()].flatMap(({ kind, parent, name, fields }) =>
    kind === 'target' && parent === id ? [[name, Number(fields.weight)]] : [],
  )
}

/** Shares of the split in percent by target, how Kong speaks to it, and what is told. */
function split(settings: Record<string, object>, lists: object = thirds) {
  const documents = Object.fromEntries(
    Object.entries(settings).map(([name, document]) => [`mesh/services/${name}`, document]),
  )
  const { state, problems } = desireWith(lists, services, documents)
  const weights = weightsOf(state, '_split.web.mesh')
  const all = weights.reduce((sum, [, weight]) => sum + weight, 0)
  const kongService = [...state.values()].find(
    ({ kind, fields }) => kind === 'service' && fields.host === '_split.web.mesh',
  )!
  return {
    shares: Object.fromEntries(
      weights.flatMap(([target, weight]) =>
        weight === 0 ? [] : [[target, Math.round((10_000 * weight) / all) / 100]],
      ),
    ),
    fields: kongService.fields,
    hostHeader: named(state, 'upstream', '_split.web.mesh')!.fields.host_header ?? null,
    told: problems.filter(({ code }) => /ENTRY_(PROTOCOL|TLS)|SPLIT_EMPTY/.test(code)),
  }
}

describe('a leg of a split', () => {
  test('with another protocol gets no request, and its share goes to the others', () => {
    const { shares, fields, told } = split({ pay: https() })
    deepEqual(shares, { [WEB]: 66.67, [API]: 33.33 })
    equal(fields.protocol, 'http')
    deepEqual(
      told.map(({ code }) => code),
      ['ENTRY_PROTOCOL'],
    )
    match(told[0]!.message, /service pay speaks https where http is spoken.*; it is left out/)
  })

  for (const [field, tls] of [
    ['verify', { verify: true, serverName: 'pay.internal', ca: 'internal' }],
    ['serverName', { serverName: 'pay.internal' }],
    ['ca', { ca: 'other' }],
    ['clientCertificate', { clientCertificate: 'gateway' }],
  ] as const) {
    test(`with another tls.${field} is never spoken to as the others are`, () => {
      const { shares, told } = split({ web: https(), api: https(), pay: https(tls) })
      deepEqual(Object.keys(shares).sort(), [WEB, API])
      deepEqual(
        told.map(({ code }) => code),
        ['ENTRY_TLS'],
      )
      match(told[0]!.message, new RegExp(`service pay has another tls\\.${field} than .*; it is left out`))
    })
  }

  test('with the same tls as the others has its share', () => {
    const { shares, fields, hostHeader, told } = split({
      web: https(checked),
      api: https(checked),
      pay: https(checked),
    })
    deepEqual([shares, told], [{ [WEB]: 50, [API]: 25, [PAY]: 25 }, []])
    deepEqual([fields.protocol, fields.tls_verify, hostHeader], ['https', true, 'api.internal'])
  })

  test('is spoken to as it asks where no leg speaks as the service with the splitter does', () => {
    const lists = {
      'service-splitter': [splitter('web', { Weight: 60, Service: 'api' }, { Weight: 40, Service: 'pay' })],
    }
    const same = split({ api: https(checked), pay: https(checked) }, lists)
    deepEqual([same.shares, same.told], [{ [API]: 60, [PAY]: 40 }, []])
    deepEqual([same.fields.protocol, same.fields.tls_verify], ['https', true])
    const other = split({ api: https(checked), pay: https() }, lists)
    deepEqual([other.shares, other.told.map(({ code }) => code)], [{ [API]: 100 }, ['ENTRY_TLS']])
  })
})

test('a failover that is to be spoken to in another way never serves', () => {
  const { state, problems } = desireWith(
    { 'service-resolver': [resolver('api', { Failover: { '*': { Service: 'pay' } } })] },
    services,
    { 'mesh/services/api': https(checked), 'mesh/services/pay': https() },
  )
  deepEqual(
    weightsOf(state, 'api.mesh').map(([target]) => target),
    [API],
  )
  match(problems.map(({ message }) => message).join(), /service pay has another tls\.verify/)
})

test('whose timeouts a split has is said by the name of who set them, and whose it has not', () => {
  const wait = { timeouts: { connectMs: 3000 } }
  const toldWith = (lists: object, documents: Record<string, object>) =>
    desireWith(lists, services, documents).problems.map(({ service, message }) => `${service}: ${message}`)
  const usual = 'connect 1000 ms, read 60000 ms, write 60000 ms'
  const longer = 'connect 3000 ms, read 60000 ms, write 60000 ms'
  const half = { 'service-splitter': [splitter('web', { Weight: 50 }, { Weight: 50, Service: 'api' })] }
  deepEqual(toldWith(half, { 'mesh/services/web': wait }), [
    `web: service-splitter web: Kong has one set of timeouts for all of its splits; those of service web (${longer}) are used for service api as well, not its own (${usual})`,
  ])
  // A name without instances: the first leg speaks for it.
  const name = {
    'service-splitter': [splitter('all', { Weight: 50, Service: 'api' }, { Weight: 50, Service: 'pay' })],
  }
  deepEqual(toldWith(name, { 'mesh/services/pay': wait }), [
    `all: service-splitter all: Kong has one set of timeouts for all of its splits; those of service api (${usual}) are used for service pay as well, not its own (${longer})`,
  ])
})
