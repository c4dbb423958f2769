// What happens to Kong, and on the way to its Admin API.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Chaos } from '../support/chaos-proxy.ts'
import { waitFor } from '../support/wait-for.ts'
import { type Fault, fault } from './fault.ts'
import type { Stage } from './stage.ts'

/** Kong's only node is away for so long, ms: nobody else could answer. */
const AWAY_MS = 1_000

/** Changes of every kind while the Admin API is disturbed: an instance more, one less, a new service. */
async function change({ mesh, service, instances }: Stage): Promise<void> {
  const more = await mesh.startInstance(`${service}-more`)
  await mesh.register({ id: more.name, name: service, port: more.port })
  await mesh.deregister(instances[0]!.name)
  instances[0] = more
  const other = mesh.service('other')
  await mesh.register({ id: other, name: other, port: more.port })
}

const isWrite = ({ method }: { readonly method: string }) => method !== 'GET'

/** What comes of calls of the operator while it has changes to write, for 5 s. */
const admin = (name: string, what: string, chaosOf: (write: number) => Chaos): Fault<never> =>
  fault({
    name,
    what,
    setUp: async () => ({ resource: null, between: ['admin'] }),
    lastsMs: 5_000,
    inject: async (stage) => {
      let writes = 0
      stage.chaos.admin = (asked) => (isWrite(asked) ? chaosOf(writes++) : { what: 'none' })
      await change(stage)
    },
    isNoticed: async (stage) => {
      const { failing, pending } = await stage.status()
      return failing.length + pending.length > 0
    },
    heal: (stage) => {
      stage.chaos.admin = () => ({ what: 'none' })
    },
    // Nobody hears that the Admin API works again: after failures the next try is some seconds away.
    bounds: { failed: 0, wholeMs: 15_000, newServiceMs: 10_000 },
  })

export const KONG_FAULTS: readonly Fault<never>[] = [
  fault({
    name: 'kong-restarted',
    what: `the only Kong gets SIGKILL and is started ${AWAY_MS / 1000} s later, with its database`,
    setUp: async (after) => {
      const folder = mkdtempSync(join(tmpdir(), 'kongsul-kong-'))
      after(() => rmSync(folder, { recursive: true, force: true }))
      const gatewayArgs = ['--state', join(folder, 'gateway.json')]
      return { resource: null, mesh: { meshOptions: { gatewayArgs } } }
    },
    lastsMs: AWAY_MS,
    inject: ({ mesh }) => mesh.killGateway(),
    isNoticed: async (stage) => !(await stage.status()).kong.connected,
    heal: ({ mesh }) => mesh.restartGateway(),
    // Nobody else could answer while it is away; from when it listens all is as before.
    bounds: { failed: Number.POSITIVE_INFINITY, failingAfterHealMs: 100 },
  }),
  fault({
    name: 'kong-restarted-empty',
    what: `the only Kong gets SIGKILL and is started ${AWAY_MS / 1000} s later, with nothing in it`,
    setUp: async () => ({ resource: null, mesh: { needsOwnGateway: true } }),
    lastsMs: AWAY_MS,
    inject: ({ mesh }) => mesh.killGateway(),
    isNoticed: async (stage) => !(await stage.status()).kong.connected,
    heal: ({ mesh }) => mesh.restartGateway(),
    bounds: { failed: Number.POSITIVE_INFINITY, failingAfterHealMs: 3_000, newServiceMs: 3_000 },
  }),
  fault({
    name: 'kong-wiped',
    what: 'everything in Kong is deleted through its Admin API',
    lastsMs: 0,
    inject: async ({ mesh, service }) => {
      for (const kind of ['plugins', 'routes', 'services', 'upstreams']) {
        const { body } = await mesh.admin('GET', `/${kind}?size=1000`)
        for (const { id } of body.data) await mesh.admin('DELETE', `/${kind}/${id}`)
      }
      await waitFor(async () => (await mesh.targets(service)).length === 3, {
        deadlineMs: 60_000,
        what: 'the mesh being written again',
      })
    },
    // Who deletes it fails the requests; it is written again by itself.
    bounds: { failed: Number.POSITIVE_INFINITY, failingMs: 5_000 },
  }),
  admin('admin-slow', "Kong's Admin API answers every write 2 s later, for 5 s of changes", () => ({
    what: 'slow',
    ms: 2_000,
  })),
  admin('admin-500', "Kong's Admin API answers every write 500, for 5 s of changes", () => ({
    what: 'answer',
    status: 500,
    text: '{"message":"An unexpected error occurred"}',
  })),
  admin('admin-409', "Kong's Admin API answers every second write 409, for 5 s of changes", (write) =>
    write % 2 === 0
      ? {
          what: 'answer',
          status: 409,
          text: '{"message":"UNIQUE violation","name":"unique constraint violation","code":5}',
        }
      : { what: 'none' },
  ),
  admin(
    'admin-cut-midway',
    'the connection is cut half-way through every second write, for 5 s of changes',
    (write) => (write % 2 === 0 ? { what: 'cutMidway' } : { what: 'none' }),
  ),
  admin(
    'admin-answer-lost',
    'the connection is cut after every second write, before its answer, for 5 s of changes',
    (write) => (write % 2 === 0 ? { what: 'cutAfter' } : { what: 'none' }),
  ),
]
