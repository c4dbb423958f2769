// What one change costs the operator's own thinking in a mesh of 2,000 services x 3, beside thinking everything anew.
import type { CatalogSnapshot, Instance } from '../../operator/core/catalog.ts'
import { createDesired, desired } from '../../operator/core/desired.ts'
import { NO_ENTRIES } from '../../operator/core/policy/config-entries.ts'
import type { Policies } from '../../operator/core/policy/policy-input.ts'
import { acceptSettings } from '../../operator/core/settings.ts'
import { type Part, percentile } from './figure.ts'

const SERVICES = 2_000
const ROUNDS = 50
/** Read, and there are none. */
const POLICIES: Policies = {
  entries: NO_ENTRIES,
  intentions: { accepted: { list: [], problems: [] }, byDefault: 'allow' },
  members: { of: () => undefined },
  problems: [],
}
const CALLERS = { identities: [], keys: new Map(), problems: [] }

export const planning: Part = {
  name: 'planning',
  about: `desired state of ${SERVICES} services x 3 after one change`,
  async run() {
    const services = new Map(Array.from({ length: SERVICES }, (_, s) => [`service-${s}`, instances(s, 0)]))
    const { accepted } = acceptSettings(null, new Map())
    const options = { mesh: 'default', hostSuffix: 'mesh', exposeDefault: 'all' } as const
    const input = (snapshot: CatalogSnapshot) => ({
      snapshot: { ...snapshot, policies: POLICIES },
      callers: CALLERS,
      settings: accepted,
      options,
      actual: new Map(),
    })

    const whole = times(5, () => desired(input({ services })))
    const remembering = createDesired()
    remembering(input({ services }))
    const one = times(ROUNDS, (round) => {
      const changed = new Map(services).set(`service-${round}`, instances(round, round + 1))
      remembering(input({ services: changed }))
    })
    return [
      {
        what: 'one service changed, p50',
        value: percentile(one, 50),
        unit: 'ms',
        goal: 5,
        baseline: { what: 'everything anew', value: percentile(whole, 50) },
        maxRatio: 0.5,
      },
    ]
  },
}

function instances(service: number, generation: number): Instance[] {
  return [1, 2, 3].map((i) => ({
    node: `node-${i}`,
    id: `service-${service}-${i}`,
    address: `10.${service >> 8}.${service & 255}.${i}`,
    port: 8000 + generation,
    tags: [],
    meta: {},
    weights: { passing: 1, warning: 1 },
    kind: '',
    checks: [{ id: `c${i}`, name: 'http', status: 'passing' as const, serviceId: `service-${service}-${i}` }],
  }))
}

function times(rounds: number, work: (round: number) => unknown): number[] {
  return Array.from({ length: rounds }, (_, round) => {
    const startedAt = performance.now()
    work(round)
    return performance.now() - startedAt
  })
}
