// What happens to Consul, and on the way to it.
import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { type ConsulCluster, startConsulCluster } from '../support/consul-cluster.ts'
import { clockIs, type FakeClock, makeFakeClock, whyNoFakeClock } from '../support/fake-clock.ts'
import { waitFor } from '../support/wait-for.ts'
import { type Fault, fault } from './fault.ts'
import type { Stage } from './stage.ts'

/** Whether the operator knows that Consul is gone. */
export const isCutOff = async (stage: Stage) => !(await stage.status()).consul.connected

/** Its instances register again, as they do at a Consul that has forgotten them. */
export const registerAll = async ({ mesh, service, instances }: Stage) => {
  for (const { name, port } of instances) await mesh.register({ id: name, name: service, port })
}

/** A token of the policy that kongsul ships, as an operator has it. */
const TOKEN = {
  SecretID: '7a1e0d5c-3b52-4c1f-9a39-4d0f6b7c2e11',
  AccessorID: '1c9f5a7e-8d24-4f0b-b6a3-2e5d9c0b7f44',
}
const RULES = readFileSync(new URL('../../operator/consul/policy.hcl', import.meta.url), 'utf8')
const grant = (consul: Stage['mesh']['consul']) =>
  consul.request('PUT', '/acl/token', { ...TOKEN, Policies: [{ Name: 'operator' }] })

/** A fault in which Consul is gone for some seconds and comes back with its data. */
function consulIsAway(name: string, seconds: number, peers?: string): Fault<never> {
  return fault({
    name,
    what: `Consul gets SIGKILL and is back ${seconds} s later, with its data`,
    ...(peers === undefined ? {} : { peers }),
    setUp: async () => ({ resource: null, mesh: { meshOptions: { keepData: true } } }),
    lastsMs: seconds * 1_000,
    inject: ({ mesh }) => mesh.consul.kill(),
    isNoticed: isCutOff,
    heal: ({ mesh }) => mesh.consul.start(),
    bounds: { failed: 0 },
  })
}

export const CONSUL_FAULTS: readonly Fault<never>[] = [
  consulIsAway('consul-killed', 3, 'all 0 (away for 5 s)'),
  consulIsAway('consul-away', 30),
  fault<FakeClock>({
    name: 'consul-away-hour',
    what: 'the same for 10 s in which the clock of the operator and the plugins steps an hour forward, and stays there',
    whyNot: whyNoFakeClock,
    setUp: async (after) => {
      const clock = await makeFakeClock()
      after(() => clock.remove())
      const mesh = { pluginsEnv: clock.env, meshOptions: { keepData: true } }
      return { resource: clock, mesh, operatorEnv: async () => clock.env }
    },
    lastsMs: 10_000,
    inject: async ({ mesh, resource: clock }) => {
      await mesh.consul.kill()
      clock.step(3_600)
      await clockIs(`${mesh.apiUrl}/healthz`, 3_600)
    },
    isNoticed: isCutOff,
    heal: ({ mesh }) => mesh.consul.start(),
    bounds: { failed: 0, newServiceMs: 15_000 },
  }),
  fault({
    name: 'consul-emptied',
    what: 'Consul gets SIGKILL and is back 3 s later, empty; services register again 3 s after that',
    peers:
      'Traefik, Kong with DNS, HAProxy 1,620-2,390 (away for 5 s); Fabio and consul-template 0, but see no new service within 42 s',
    lastsMs: 3_000,
    inject: ({ mesh }) => mesh.consul.kill(),
    isNoticed: isCutOff,
    heal: async (stage) => {
      await stage.mesh.consul.start()
      await delay(3_000) // nobody is in the catalog for so long
      await registerAll(stage)
    },
    bounds: { failed: 0 },
  }),
  fault<ConsulCluster>({
    name: 'consul-leader-killed',
    what: 'of three Consul servers the one that leads gets SIGKILL',
    setUp: async () => {
      const cluster = await startConsulCluster()
      return { resource: cluster, mesh: { meshOptions: { given: cluster.consul } } }
    },
    lastsMs: 0,
    inject: async ({ resource: cluster }) => {
      await cluster.killLeader()
      await waitFor(() => cluster.hasLeader(), { deadlineMs: 60_000, pollMs: 50, what: 'another leader' })
    },
    isNoticed: isCutOff,
    heal: ({ resource: cluster }) => cluster.restart(),
    bounds: { failed: 0 },
  }),
  fault({
    name: 'consul-token-revoked',
    what: "the operator's ACL token is revoked, an instance leaves meanwhile, and the token is granted again 5 s later",
    setUp: async () => ({
      resource: null,
      mesh: { meshOptions: { acl: true } },
      operatorEnv: async ({ consul }) => {
        await consul.request('PUT', '/acl/policy', { Name: 'operator', Rules: RULES })
        await grant(consul)
        // With the policy deny Consul lets no service call another, and so does the gateway.
        await consul.setKey('mesh/defaults', { intentions: { default: 'allow' } })
        return { CONSUL_HTTP_TOKEN: TOKEN.SecretID }
      },
    }),
    lastsMs: 5_000,
    inject: async ({ mesh, instances }) => {
      await mesh.consul.request('DELETE', `/acl/token/${TOKEN.AccessorID}`)
      // A query that waits is not refused before there is something to tell.
      await mesh.deregister(instances[0]!.name)
    },
    isNoticed: async (stage) => (await stage.status()).consul.error?.includes('403') === true,
    heal: async (stage) => {
      await grant(stage.mesh.consul)
      await registerAll(stage)
    },
    // Doubt grows with each refusal: the next look is up to 10 s away.
    bounds: { failed: 0, noticedMs: 5_000, newServiceMs: 15_000 },
  }),
  fault({
    name: 'consul-queries-cut',
    what: 'every connection of the operator to Consul is cut, five times a second for 5 s',
    setUp: async () => ({ resource: null, between: ['consul'] }),
    lastsMs: 5_000,
    inject: async (stage) => {
      for (let cut = 0; cut < 25; cut++) {
        stage.cutConsul()
        await delay(200) // five times a second
      }
    },
    isNoticed: async (stage) => (await stage.status()).consul.error !== null,
    // Consul goes on with a query that was cut until its wait is over, and takes 200 connections of one address. Above that a
    // current one answers 429, and is left alone for longer and longer.
    bounds: { failed: 0, newServiceMs: 6_000 },
  }),
  fault({
    name: 'consul-slow',
    what: 'Consul answers the operator 300 ms later',
    setUp: async () => ({ resource: null, between: ['consul'] }),
    lastsMs: 0,
    inject: async ({ chaos, mesh, service, instances }) => {
      chaos.consul = () => ({ what: 'slow', ms: 300 })
      const one = instances[0]!
      await mesh.maintenance(one.name, true)
      await waitFor(async () => (await mesh.targets(service)).some(({ weight }) => weight === 0), {
        deadlineMs: 30_000,
        what: 'a change through a slow Consul',
      })
      await mesh.maintenance(one.name, false)
    },
    // It stays slow: a new service is three answers of it.
    bounds: { failed: 0, newServiceMs: 3_000 },
  }),
]
