// An instance that was killed: Consul takes it out a minute after its TTL, which is the least that Consul takes.
import { deepEqual } from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
// @ts-expect-error a script without types
import { buildClient } from '../../operator/setup/build.mjs'
import { startConsul } from '../support/consul.ts'
import { waitFor } from '../support/wait-for.ts'

test('a killed service is out of Consul when it has been silent for its time', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'kongsul-client-'))
  const consul = await startConsul()
  try {
    await buildClient(folder)
    const service = join(import.meta.dirname, '..', 'support', 'joined-service.mjs')
    const options = JSON.stringify({
      consul: consul.url,
      service: 'silent',
      ttlSeconds: 1,
      deregisterAfterSeconds: 60,
    })
    const child = fork(service, [join(folder, 'client.js'), options], { execArgv: [] })
    const [{ id }] = (await once(child, 'message')) as [{ id: string }]
    child.kill('SIGKILL')
    const services = () => consul.request('GET', '/agent/services') as Promise<Record<string, unknown>>
    deepEqual(Object.keys(await services()), [id])
    await waitFor(async () => Object.keys(await services()).length === 0, {
      deadlineMs: 180_000,
      pollMs: 500,
      what: 'it being taken out',
    })
  } finally {
    await consul.stop()
    rmSync(folder, { recursive: true, force: true })
  }
})
