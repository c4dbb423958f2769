// What plugin processes run with that nobody may see, and everything that they show.
import { deepEqual, ok } from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { FEED_TOKEN, LINE_TOKEN } from '../support/plugin-server.ts'
import { type ProcessMesh, startProcessMesh } from '../support/process-mesh.ts'
import { waitFor } from '../support/wait-for.ts'

const KONG = 'marked-secret-kong-0123456789'
const OTLP = 'marked-secret-otlp-0123456789'
const REDIS = 'marked-secret-redis-0123456789'
const SECRETS = [KONG, OTLP, REDIS, FEED_TOKEN, LINE_TOKEN]

test('plugin processes, and the operator that writes plugins to Kong, show no token and no password', async (t) => {
  const processes: ProcessMesh = await startProcessMesh({
    needsOwnGateway: true,
    pluginsEnv: {
      KONGSUL_KONG_TOKEN: KONG,
      // Nothing listens: the log tells of it.
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9',
      OTEL_EXPORTER_OTLP_HEADERS: `authorization=Bearer ${OTLP}`,
      KONGSUL_LOG_LEVEL: 'debug',
    },
    operatorEnv: {
      KONGSUL_LOG_LEVEL: 'debug',
      KONGSUL_RESYNC_CRON: '* * * * * *',
      REDIS_URL: `redis://user:${REDIS}@127.0.0.1:9`,
    },
  })
  t.after(() => processes.stop())
  const { mesh, plugins } = processes
  const service = mesh.service('kept')
  await processes.deploy(service, 1, { rateLimit: { second: 1_000, policy: 'redis' } })
  const hasPassword = async () =>
    JSON.stringify((await mesh.admin('GET', '/plugins?size=1000')).body).includes(REDIS)
  // Kong needs it in clear, which docs/security.md says.
  await waitFor(hasPassword, { what: 'the password in Kong' })
  // A person edits it: what was wanted is the password, and it is not theirs to see.
  const { data } = (await mesh.admin('GET', '/plugins?size=1000')).body
  const limit = (data as { id: string; name: string }[]).find(({ name }) => name === 'rate-limiting')!
  await mesh.admin('PATCH', `/plugins/${limit.id}`, { config: { redis: { password: 'another' } } })
  const get = async (path: string) => await (await fetch(`${mesh.apiUrl}/api/v1/mesh/v2/${path}`)).text()
  await waitFor(async () => (await get('overrides')).includes('config.redis.password'), {
    deadlineMs: 30_000,
    what: 'the edit being told',
  })
  await waitFor(async () => /mesh_span_export_retries_total\{[^}]*\} [1-9]/.test(await plugins.metrics()), {
    deadlineMs: 30_000,
    what: 'spans that reach nobody',
  })

  const shown = new Map<string, string>()
  for (const path of [
    'overrides',
    'changes',
    'status',
    'circuits',
    'topology',
    'plan',
    `explain?host=${service}.mesh`,
  ])
    shown.set(path, await get(path))
  shown.set('the dashboard', await (await fetch(`${mesh.apiUrl}/`)).text())
  shown.set('its metrics', await (await fetch(`${mesh.apiUrl}/metrics`)).text())
  shown.set('metrics of the plugins', await plugins.metrics())
  shown.set('health of the plugins', JSON.stringify(await plugins.health()))
  const dumps = readdirSync(plugins.folder).filter((name) => name.endsWith('.json'))
  ok(dumps.length > 0)
  for (const name of dumps) shown.set(name, readFileSync(join(plugins.folder, name), 'utf8'))
  await plugins.stop('SIGTERM')
  shown.set('the log of the plugins', plugins.output())
  shown.set('the log of the operator', mesh.operator.output())
  ok(plugins.output().length > 500 && mesh.operator.output().length > 500)
  const telling = [...shown].flatMap(([what, text]) =>
    SECRETS.filter((secret) => text.includes(secret)).map((secret) => `${what}: ${secret}`),
  )
  deepEqual(telling, [])
})
