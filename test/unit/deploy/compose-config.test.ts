import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { composeConfig } from '../../../operator/cli/deploy/compose.ts'
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
