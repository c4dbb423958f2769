import { equal } from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { ConsulError } from '../../../operator/consul/consul-error.ts'
import { OwnDatacenter } from '../../../operator/consul/own-datacenter.ts'

const asking = (answers: (() => Promise<string>)[]) => {
  let asked = 0
  return { asked: () => asked, datacenter: () => answers[asked++]!() }
}

test('the data centre is asked for once, and then known', async () => {
  const reader = asking([async () => 'eu-1'])
  const own = new OwnDatacenter(reader, undefined)
  equal(own.name, null)
  await turn()
  equal(own.name, 'eu-1')
  equal(own.name, 'eu-1')
  equal(reader.asked(), 1)
})

test('what the configuration says is not asked for', () => {
  const reader = asking([])
  equal(new OwnDatacenter(reader, 'us-2').name, 'us-2')
  equal(reader.asked(), 0)
})

test('a Consul that does not answer is asked again, one that forbids it is not', async () => {
  const fail = (code: 'CONSUL_TIMEOUT' | 'CONSUL_DENIED') => () =>
    Promise.reject(new ConsulError(code, 'agent.self', code))
  const reader = asking([fail('CONSUL_TIMEOUT'), fail('CONSUL_DENIED')])
  const own = new OwnDatacenter(reader, undefined)
  for (let each = 0; each < 5; each++) {
    equal(own.name, null)
    await turn()
  }
  equal(reader.asked(), 2)
})
