import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { composeConfig, isOlderCompose } from '../../../operator/cli/deploy/compose.ts'
import { configOf } from '../../../operator/config/load-config.ts'
import { revealed } from '../../../operator/telemetry/secret.ts'

test('of what this process was given nothing that is about another mesh leaks into the one of compose', () => {
  const given = configOf({
    KONGSUL_MESH: 'prod',
    KONGSUL_HOST_SUFFIX: 'prod.test',
    KONGSUL_OVERRIDES_POLICY: 'revert',
    KONGSUL_EXPOSE_DEFAULT: 'tagged',
    CONSUL_HTTP_TOKEN: 'handed on',
    CONSUL_HTTP_SSL: 'true',
  })
  const published = {
    consul: 'http://127.0.0.1:8500',
    kongAdmin: 'http://127.0.0.1:8001',
    proxy: 'http://127.0.0.1:8000',
    operator: 'http://127.0.0.1:8080',
  }
  const { operator, addr } = composeConfig(given, published)
  const { mesh, hostSuffix, overrides, expose, proxyUrl } = operator
  deepEqual(
    { mesh, hostSuffix, overrides, expose, proxyUrl, addr },
    {
      ...{ mesh: 'default', hostSuffix: 'mesh', overrides: { policy: 'keep' }, expose: 'all' },
      ...{ proxyUrl: published.proxy, addr: published.operator },
    },
  )
  deepEqual([operator.consul.url, operator.kong.adminUrl], [published.consul, published.kongAdmin])
  equal(revealed(operator.consul.token), 'handed on')
})

test('a compose that does not know all of docker-compose.yml is told from one that does', () => {
  for (const told of ['2.20.1', 'v2.17.3', '1.29.2', '2.9.0']) equal(isOlderCompose(told), true, told)
  for (const told of ['2.20.2', 'v2.29.7', '2.20.3-desktop.1', '5.0.0', '', 'dev'])
    equal(isOlderCompose(told), false, told)
})
