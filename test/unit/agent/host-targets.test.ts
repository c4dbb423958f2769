import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import {
  type HealthRow,
  HostTargets,
  isNamed,
  targetsByAddress,
} from '../../../plugins/agent/host-targets.ts'
import { MeshKnowledge } from '../../../plugins/agent/mesh-knowledge.ts'
import type { Outcome } from '../../../plugins/outcomes/outcome.ts'
import { anOutcome, aTry } from '../../support/outcomes.ts'
import { waitFor } from '../../support/wait-for.ts'

const address = (ip: string, port = 19555) => ({ ip, port, weight: 100, health: 'HEALTHY' })
/** As Kong 3.9.1 answers for names of three addresses, of one, and of none. */
const ROWS: readonly HealthRow[] = [
  {
    target: 'multi.test:19555',
    data: { addresses: [address('127.0.0.2'), address('127.0.0.3'), address('127.0.0.4')] },
  },
  { target: 'One.test:19555', data: { addresses: [address('127.0.0.5')] } },
  { target: 'gone.test:9000', data: { addresses: {} } },
  { target: 'unbuilt.test:9000' },
]

test('every address of a name is of its target', () => {
  deepEqual(
    [...targetsByAddress(ROWS)],
    [
      ['127.0.0.2:19555', 'multi.test:19555'],
      ['127.0.0.3:19555', 'multi.test:19555'],
      ['127.0.0.4:19555', 'multi.test:19555'],
      ['127.0.0.5:19555', 'one.test:19555'],
    ],
  )
})

test('an address that two targets resolve to is of neither', () => {
  const rows = [...ROWS, { target: 'same.test:19555', data: { addresses: [address('127.0.0.5')] } }]
  equal(targetsByAddress(rows).has('127.0.0.5:19555'), false)
  equal(targetsByAddress(rows).size, 3)
})

test('an address is told from a name', () => {
  deepEqual(['10.0.0.1:80', '[0000:0000:0000:0000:0000:0000:0000:0001]:80'].map(isNamed), [false, false])
  deepEqual(['web.test:80', 'localhost:1', '10.0.0.1.example:80'].map(isNamed), [true, true, true])
})

/** A mesh with these targets in it, and what is read of Kong. */
async function withHosts(
  targets: readonly string[],
  rows: readonly HealthRow[],
  use: (run: {
    hosts: HostTargets
    reads: string[]
    failures: string[]
    tell: (targets: readonly string[]) => void
  }) => Promise<void>,
): Promise<void> {
  const mesh = new MeshKnowledge('node-a')
  const end = new AbortController()
  const reads: string[] = []
  const failures: string[] = []
  let isFirst = true
  const hosts = new HostTargets({
    mesh,
    read: async (upstream) => {
      reads.push(upstream)
      if (isFirst) {
        isFirst = false
        throw new Error('not yet')
      }
      return rows
    },
    onFailure: (upstream) => failures.push(upstream),
    signal: end.signal,
    everyMs: 20,
  })
  const tell = (told: readonly string[]) => {
    const instances = told.map((target) => ({ target, id: target, health: 'healthy' }))
    const view = {
      service: 'web',
      serviceId: 's1',
      upstream: 'web.mesh',
      mode: 'auto',
      routes: [],
      instances,
    }
    mesh.update({ full: true, index: 1, removed: [], services: [view] } as never)
    hosts.meshChanged()
  }
  tell(targets)
  try {
    await use({ hosts, reads, failures, tell })
  } finally {
    end.abort()
  }
}

const asked = (...instances: string[]): Outcome =>
  anOutcome({ serviceId: 's1', tries: instances.map((instance) => aTry({ instance })) })
const namesOf = ({ tries }: Outcome) => tries.map(({ instance }) => instance)

test('tries are told of the names that are registered, when Kong has answered', () =>
  withHosts(['multi.test:19555', '127.0.0.9:80'], ROWS, async ({ hosts, failures }) => {
    const outcome = asked('127.0.0.3:19555', '127.0.0.9:80', '127.0.0.5:19555', '10.0.0.1:1')
    const expected = ['multi.test:19555', '127.0.0.9:80', '127.0.0.5:19555', '10.0.0.1:1']
    await waitFor(() => namesOf(hosts.named(outcome))[0] === 'multi.test:19555', { what: 'the name' })
    deepEqual(namesOf(hosts.named(outcome)), expected)
    deepEqual(failures, ['web.mesh'], 'what fails is asked again')
    const unknown = { ...outcome, serviceId: 'another' }
    equal(hosts.named(unknown), unknown)
    equal(hosts.named({ ...outcome, serviceId: null }).tries, outcome.tries)
  }))

test('Kong is not asked where every instance has an address, nor when the names are gone', () =>
  withHosts(['127.0.0.9:80'], ROWS, async ({ hosts, reads, tell }) => {
    const outcome = asked('127.0.0.3:19555')
    equal(hosts.named(outcome), outcome)
    deepEqual(reads, [])
    tell(['multi.test:19555'])
    await waitFor(() => namesOf(hosts.named(outcome))[0] === 'multi.test:19555', { what: 'the name' })
    tell(['127.0.0.9:80'])
    await waitFor(() => hosts.named(outcome) === outcome, { what: 'the name being forgotten' })
  }))
