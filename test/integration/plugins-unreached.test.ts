// The plugin process runs, and Kong does not see its sockets: as where its container has another folder, or its user may
// not enter it. Kong then answers 500 to every request for a service with plugins, and nothing that is ours is called.
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { renameSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { runKongsul } from '../support/kongsul-process.ts'
import { type ProcessMesh, startProcessMesh } from '../support/process-mesh.ts'
import { waitFor } from '../support/wait-for.ts'

const CODE = 'PLUGINS_UNREACHED'

let processes: ProcessMesh
let elsewhere: string
before(async () => {
  processes = await startProcessMesh({ needsOwnGateway: true })
  const { plugins, mesh } = processes
  elsewhere = `${plugins.folder}-elsewhere`
  renameSync(plugins.folder, elsewhere)
  const { port } = await mesh.startInstance('unreached')
  await mesh.register({ id: 'unreached', name: 'unreached', port })
  const hasPlugins = async () =>
    ((await mesh.admin('GET', '/services/mesh.unreached/plugins')).body.data ?? []).length > 1
  await waitFor(hasPlugins, { deadlineMs: 30_000, what: 'a service with plugins in Kong' })
  await waitFor(async () => (await status()) === 500, { what: 'Kong refusing a request' })
  const isKnown = async () => {
    const answer = await fetch(`${mesh.apiUrl}/api/v1/mesh/v2/circuits`)
    return ((await answer.json()) as { processes: unknown[] }).processes.length > 0
  }
  await waitFor(isKnown, { deadlineMs: 30_000, what: 'the plugin process telling the operator of itself' })
})
after(() => processes?.stop())

async function doctor() {
  const { mesh } = processes
  const { code, stdout } = await runKongsul(['doctor', '-o', 'json'], {
    CONSUL_HTTP_ADDR: mesh.consul.url,
    KONG_ADMIN_URL: mesh.adminUrl,
    KONG_PROXY_URL: mesh.proxyUrl,
    KONGSUL_ADDR: mesh.apiUrl,
  })
  const { findings } = JSON.parse(stdout) as { findings: { area: string; level: string; found: string }[] }
  return { code, findings: findings.filter(({ area }) => area === 'plugins').map(({ found }) => found) }
}
const status = async () => (await processes.mesh.get('unreached', '/')).status
const problems = async () => {
  const answer = await fetch(`${processes.mesh.apiUrl}/api/v1/mesh/v2/status`)
  const { problems: all } = (await answer.json()) as { problems: { code: string; message: string }[] }
  return all.filter(({ code }) => code === CODE)
}

test('doctor finds it by a request of its own, while too few have failed', async () => {
  const { code, findings } = await doctor()
  equal(code, 1, findings.join('\n'))
  ok(
    findings.some((found) => found.includes(CODE) && /HEAD .* for unreached\.\S+ with 500/.test(found)),
    findings.join('\n'),
  )
})

test('after requests that came back 500 status, the log and doctor tell of it', async () => {
  const [problem] = await waitFor(
    async () => {
      equal(await status(), 500)
      const found = await problems()
      return found.length > 0 ? found : null
    },
    { deadlineMs: 30_000, pollMs: 100, what: 'the problem in the status' },
  )
  match(problem!.message, /may not open the sockets, or do not see them/)
  match(processes.plugins.output(), /"code":"PLUGINS_UNREACHED"/)
  const { code, findings } = await doctor()
  equal(code, 1, findings.join('\n'))
  ok(
    findings.some((found) => found.includes(CODE) && /\(\d+ requests\)/.test(found)),
    findings.join('\n'),
  )
})

test('it is over as soon as Kong calls the plugins', async () => {
  renameSync(elsewhere, processes.plugins.folder)
  await waitFor(async () => (await status()) === 200, { what: 'the plugins being reached' })
  await waitFor(async () => (await problems()).length === 0, {
    deadlineMs: 30_000,
    what: 'the end of the problem',
  })
  const { code, findings } = await doctor()
  deepEqual([code, findings.filter((found) => found.includes(CODE))], [0, []], findings.join('\n'))
})
