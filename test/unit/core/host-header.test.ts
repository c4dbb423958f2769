import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { upstreamEntities } from '../../../operator/core/kong-entities.ts'
import { BUILT_IN } from '../../../operator/core/settings-defaults.ts'

const headerOf = (protocol: 'http' | 'https', ...targets: string[]) => {
  const weights = new Map(targets.map((target) => [target, 100]))
  return upstreamEntities('default', 'shop', 'shop.mesh', { ...BUILT_IN, protocol }, weights)[0]!.fields[
    'host_header'
  ]
}

test('with TLS instances that share one host name are asked by it, without the port', () => {
  deepEqual(headerOf('https', 'api.example.com:8443', 'api.example.com:443'), 'api.example.com')
})

test('the name that the settings give comes before that of the instances', () => {
  const settings = {
    ...BUILT_IN,
    protocol: 'https' as const,
    tls: { ...BUILT_IN.tls, serverName: 'named.example.com' },
  }
  const weights = new Map([['api.example.com:443', 100]])
  const [upstream] = upstreamEntities('default', 'shop', 'shop.mesh', settings, weights)
  deepEqual(upstream!.fields['host_header'], 'named.example.com')
})

test('without TLS, or by address, the field is not kongsul’s; several names have none in common', () => {
  deepEqual(headerOf('http', 'api.example.com:80'), undefined)
  deepEqual(headerOf('https', '10.0.0.1:443', '[0000:0000:0000:0000:0000:0000:0000:0001]:443'), undefined)
  deepEqual(headerOf('https', 'a.example.com:443', '10.0.0.1:443'), null)
})
