import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import type { HealthRow } from '../../../operator/kong/health-row.ts'
import { HostTargets } from '../../../plugins/agent/host-targets.ts'
import { type AddressChanges, MeshKnowledge } from '../../../plugins/agent/mesh-knowledge.ts'
import type { Outcome } from '../../../plugins/outcomes/outcome.ts'
import { anOutcome, aTry } from '../../support/outcomes.ts'
import { waitFor } from '../../support/wait-for.ts'

interface Run {
  readonly mesh: MeshKnowledge
  readonly hosts: HostTargets
  /** Upstreams that Kong was asked for. */
  readonly reads: string[]
  readonly failures: string[]
  readonly changes: AddressChanges[]
  /** From now on Kong answers so; null: it does not answer. */
  answer(ips: readonly string[] | null): void
  tell(upstreams: Readonly<Record<string, readonly string[]>>): void
}

/** Upstreams with their targets, and a Kong that has these addresses of `multi.test`. */
async function withHosts(everyMs: number, use: (run: Run) => Promise<void>): Promise<void> {
  const mesh = new MeshKnowledge('node-a')
  const end = new AbortController()
  let ips: readonly string[] | null = ['127.0.0.2']
  const run = { mesh, reads: [] as string[], failures: [] as string[], changes: [] as AddressChanges[] }
  const hosts = new HostTargets({
    mesh,
    read: async (upstream) => {
      run.reads.push(upstream)
      if (ips === null) throw new Error('Kong is away')
      const addresses = ips.map((ip) => ({ ip, port: 80 }))
      return [{ target: 'multi.test:80', data: { addresses } }] as HealthRow[]
    },
    onChange: (changes) => run.changes.push(changes),
    onFailure: (upstream) => run.failures.push(upstream),
    signal: end.signal,
    everyMs,
  })
  const tell: Run['tell'] = (upstreams) => {
    const services = Object.entries(upstreams).map(([name, targets]) => ({
      ...{ service: name, serviceId: `id-${name}`, upstream: `${name}.mesh`, mode: 'auto', routes: [] },
      instances: targets.map((target) => ({ target, id: target, health: 'healthy' })),
    }))
    mesh.update({ full: true, index: 1, removed: [], services } as never)
    hosts.meshChanged()
  }
  const answer: Run['answer'] = (next) => {
    ips = next
  }
  try {
    await use({ ...run, hosts, tell, answer })
  } finally {
    end.abort()
  }
}
const asked = (...instances: string[]): Outcome =>
  anOutcome({ serviceId: 'id-web', tries: instances.map((instance) => aTry({ instance })) })
const triesOf = ({ tries }: Outcome) => tries.map(({ instance, address }) => [instance, address])
const FAR_MS = 600_000

test('tries are told of the names that are registered, with the addresses that were asked', () =>
  withHosts(FAR_MS, async ({ mesh, changes, tell }) => {
    tell({ web: ['multi.test:80', '127.0.0.9:80'] })
    await waitFor(() => changes.length === 1, { what: 'Kong’s answer' })
    deepEqual(changes[0], {
      services: new Set(['id-web']),
      gone: [{ upstream: 'web.mesh', instance: 'multi.test:80' }],
    })
    deepEqual(triesOf(mesh.named(asked('127.0.0.2:80', '127.0.0.9:80', '10.0.0.1:1'))), [
      ['multi.test:80', '127.0.0.2:80'],
      ['127.0.0.9:80', undefined],
      ['10.0.0.1:1', undefined],
    ])
    const other = { ...asked('127.0.0.2:80'), serviceId: 'another' }
    equal(mesh.named(other), other)
    deepEqual(
      [...mesh.surroundings('id-web', null)!.health.keys()],
      ['multi.test:80@127.0.0.2:80', '127.0.0.9:80'],
    )
  }))

test('an unknown address is asked about once, and what came of it is known', () =>
  withHosts(FAR_MS, async ({ mesh, hosts, reads, changes, tell, answer }) => {
    tell({ web: ['multi.test:80'] })
    await waitFor(() => changes.length === 1, { what: 'the first answer' })
    hosts.note(asked('127.0.0.2:80'))
    answer(['127.0.0.3'])
    hosts.note(asked('127.0.0.3:80'))
    hosts.note(asked('127.0.0.3:80'))
    await waitFor(() => changes.length === 2, { what: 'the second answer' })
    deepEqual(changes[1]!.gone, [{ upstream: 'web.mesh', instance: 'multi.test:80@127.0.0.2:80' }])
    deepEqual(triesOf(mesh.named(asked('127.0.0.3:80'))), [['multi.test:80', '127.0.0.3:80']])
    deepEqual(reads, ['web.mesh', 'web.mesh'])
  }))

test('an address that stays unknown is not asked about again and again', () =>
  withHosts(FAR_MS, async ({ hosts, reads, changes, tell, answer }) => {
    tell({ web: ['multi.test:80'] })
    await waitFor(() => changes.length === 1, { what: 'the first answer' })
    hosts.note(asked('10.9.9.9:80'))
    await waitFor(() => reads.length === 2, { what: 'the question' })
    for (let turn = 0; turn < 100; turn++) hosts.note(asked('10.9.9.9:80'))
    answer(['127.0.0.2', '127.0.0.3'])
    hosts.note(asked('127.0.0.3:80'))
    await waitFor(() => changes.length === 2, { what: 'what is news' })
    equal(reads.length, 3)
  }))

test('upstreams with the same names are read once, and again only now and then', () =>
  withHosts(20, async ({ reads, tell }) => {
    tell({ few: ['multi.test:80'], web: ['multi.test:80', 'one.test:80'], plain: ['127.0.0.9:80'] })
    await waitFor(() => reads.length >= 3, { what: 'the third round' })
    deepEqual(new Set(reads), new Set(['web.mesh']))
  }))

test('what could not be read is read again, and what is known stays', () =>
  withHosts(FAR_MS, async ({ hosts, mesh, failures, changes, tell, answer }) => {
    tell({ web: ['multi.test:80'] })
    await waitFor(() => changes.length === 1, { what: 'the first answer' })
    answer(null)
    hosts.note(asked('127.0.0.3:80'))
    await waitFor(() => failures.length === 1, { what: 'the failure' })
    deepEqual(triesOf(mesh.named(asked('127.0.0.2:80'))), [['multi.test:80', '127.0.0.2:80']])
    answer(['127.0.0.3'])
    await waitFor(() => changes.length === 2, { what: 'the answer' })
  }))

test('Kong is not asked where every instance has an address, nor when the names are gone', () =>
  withHosts(FAR_MS, async ({ mesh, hosts, reads, changes, tell }) => {
    const outcome = asked('127.0.0.2:80')
    tell({ web: ['127.0.0.9:80'] })
    hosts.note(outcome)
    equal(mesh.named(outcome), outcome)
    deepEqual(reads, [])
    tell({ web: ['multi.test:80'] })
    await waitFor(() => changes.length === 1, { what: 'the name' })
    tell({ web: ['127.0.0.9:80'] })
    equal(mesh.named(outcome), outcome)
    deepEqual([...mesh.hostUpstreams()], [])
  }))
