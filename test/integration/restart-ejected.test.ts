// An instance crashes, is ejected for it, and is started again: it is served as soon as its check passes, not when the
// ejection ends.
import { match } from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { flowing, trafficTo } from '../support/grey-fault.ts'
import type { InstanceProcess } from '../support/instance.ts'
import { type ProcessMesh, startProcessMesh } from '../support/process-mesh.ts'
import { waitFor } from '../support/wait-for.ts'

const PATIENT = { deadlineMs: 60_000, pollMs: 50 } as const
const SERVICE = 'crashes'
/** One lost request ejects it, for longer than anybody waits here. */
const circuitBreaker = { consecutiveFailures: 1, openSeconds: 600, backoff: { maxSeconds: 600 } }

let processes: ProcessMesh
before(async () => {
  processes = await startProcessMesh()
})
after(() => processes?.stop())

test('an ejected instance that was restarted is served when its check passes', async () => {
  const { mesh, plugins } = processes
  const [crashing] = (await processes.deploy(SERVICE, 3, { circuitBreaker })) as [InstanceProcess]
  const { name, port } = crashing
  const told = (to: string) => () =>
    plugins.output().includes(`"instance":"127.0.0.1:${port}"`) && plugins.output().includes(`"to":"${to}"`)
  const health = async () => {
    const rows = (await mesh.consul.request('GET', `/health/checks/${SERVICE}`)) as {
      ServiceID: string
      Status: string
    }[]
    return rows.find(({ ServiceID }) => ServiceID === name)?.Status
  }
  const traffic = trafficTo(mesh.proxyUrl, SERVICE, { perSecond: 60 })
  try {
    await flowing(traffic)
    await crashing.kill()
    await waitFor(told('ejected'), { ...PATIENT, what: 'the ejection' })
    await waitFor(async () => (await health()) === 'critical', { ...PATIENT, what: 'its check failing' })
    await waitFor(async () => (await mesh.targets(SERVICE)).some(({ weight }) => weight === 0), {
      ...PATIENT,
      what: 'the operator having seen it',
    })
    const again = await mesh.startInstance(name, port)
    const sinceMs = traffic.nowMs()
    const serves = () =>
      traffic.shots.some(
        ({ sentMs, status, instance }) => sentMs > sinceMs && status === 200 && instance === again.name,
      )
    await waitFor(serves, { ...PATIENT, what: 'the instance serving again' })
    await waitFor(told('closed'), { ...PATIENT, what: 'the end of its trial' })
    match(plugins.output(), /check_passed: /)
  } finally {
    await traffic.stop()
  }
})
