import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { isNamed, normalInstance, placeOf } from '../../../operator/core/instance-key.ts'
import type { InstanceView } from '../../../operator/core/mesh-view.ts'
import type { HealthRow } from '../../../operator/kong/health-row.ts'
import { addressesIn, areResolved, resolved } from '../../../plugins/agent/host-addresses.ts'

const address = (ip: string, port = 19555) => ({ ip, port, weight: 100, health: 'HEALTHY' })
/** As Kong 3.9.1 answers for a name of three addresses, of one, of none, for one without a balancer, and for an address. */
const ROWS: readonly HealthRow[] = [
  {
    target: 'multi.test:19555',
    data: { addresses: [address('127.0.0.4'), address('127.0.0.2'), address('127.0.0.3')] },
  },
  { target: 'One.test:19555', data: { addresses: [address('127.0.0.5')] } },
  { target: 'gone.test:9000', data: { addresses: {} } },
  { target: 'unbuilt.test:9000' },
  { target: '127.0.0.9:80', data: { addresses: [address('127.0.0.9', 80)] } },
]
const instance = (target: string, id = target): InstanceView => ({ target, id, health: 'healthy' })
const targetsOf = (instances: readonly InstanceView[]) => instances.map(({ target }) => target)

test('what Kong has of host names is read, and nothing of addresses', () => {
  deepEqual(
    [...addressesIn(ROWS)],
    [
      ['multi.test:19555', ['127.0.0.2:19555', '127.0.0.3:19555', '127.0.0.4:19555']],
      ['one.test:19555', ['127.0.0.5:19555']],
      ['gone.test:9000', []],
    ],
  )
  deepEqual([areResolved(ROWS), areResolved(ROWS.slice(0, 2)), areResolved([])], [false, true, true])
})

test('each address of a name is an instance in its place, with what Consul says of the name', () => {
  const { instances, byAddress } = resolved(
    [instance('127.0.0.9:80'), instance('one.test:19555', 'web-1'), instance('gone.test:9000')],
    addressesIn(ROWS),
  )
  deepEqual(instances, [
    instance('127.0.0.9:80'),
    instance('one.test:19555@127.0.0.5:19555', 'web-1'),
    instance('gone.test:9000'),
  ])
  deepEqual([...byAddress], [['127.0.0.5:19555', { target: 'one.test:19555', address: '127.0.0.5:19555' }]])
})

test('an address that several instances have is nobody’s, and a name without one of its own stays', () => {
  const rows = [
    ...ROWS,
    { target: 'same.test:19555', data: { addresses: [address('127.0.0.4'), address('127.0.0.6')] } },
  ]
  const both = [instance('multi.test:19555'), instance('same.test:19555')]
  const { instances, byAddress } = resolved(both, addressesIn(rows))
  deepEqual(targetsOf(instances), [
    'multi.test:19555@127.0.0.2:19555',
    'multi.test:19555@127.0.0.3:19555',
    'same.test:19555@127.0.0.6:19555',
  ])
  equal(byAddress.get('127.0.0.4:19555'), null)
  const taken = resolved([instance('one.test:19555'), instance('127.0.0.5:19555')], addressesIn(rows))
  deepEqual(targetsOf(taken.instances), ['one.test:19555', '127.0.0.5:19555'])
  equal(taken.byAddress.get('127.0.0.5:19555'), null)
})

test('a name with IPv6 addresses is one instance: Kong marks it as a whole', () => {
  const rows = [{ target: 'six.test:80', data: { addresses: [address('[fd00:0:0:0:0:0:0:7]', 80)] } }]
  const { instances, byAddress } = resolved([instance('six.test:80')], addressesIn(rows))
  deepEqual(targetsOf(instances), ['six.test:80'])
  const long = '[fd00:0000:0000:0000:0000:0000:0000:0007]:80'
  deepEqual([...byAddress], [[long, { target: 'six.test:80', address: null }]])
})

test('an address is told from a name, and an address of a name from both', () => {
  deepEqual(['10.0.0.1:80', '[0000:0000:0000:0000:0000:0000:0000:0001]:80'].map(isNamed), [false, false])
  deepEqual(['web.test:80', 'localhost:1', '10.0.0.1.example:80'].map(isNamed), [true, true, true])
  deepEqual(placeOf('web.test:80@10.0.0.1:80'), { target: 'web.test:80', address: '10.0.0.1:80' })
  deepEqual(placeOf('10.0.0.1:80'), { target: '10.0.0.1:80', address: null })
  equal(normalInstance('Web.test:80@[::1]:80'), 'web.test:80@[0000:0000:0000:0000:0000:0000:0000:0001]:80')
})
