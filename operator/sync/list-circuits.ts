import { compareText } from '../core/compare-text.ts'
import type { Ejection } from '../core/ejections.ts'
import { placeOf as placeOfInstance } from '../core/instance-key.ts'
import type { ServiceView } from '../core/mesh-view.ts'
import type { CircuitReport, NodeCircuits } from './circuit-book.ts'

/** One circuit as `GET /circuits` answers it. Times are RFC 3339. */
export interface CircuitRow {
  readonly kind: 'service' | 'instance'
  /** Consul service; '' for a Kong service or upstream that is not ours. */
  readonly service: string
  /** `host:port`; null for a service circuit. */
  readonly target: string | null
  /** `ip:port` of a target that is a host name: each address has a circuit. */
  readonly address: string | null
  /** Consul id of the instance; null where nobody knows it. */
  readonly instance_id: string | null
  /** closed, open, half_open, forced_open; of an instance closed, ejected, probing; unknown where no plugin tells. */
  readonly state: string
  /** Mode of the service's breaker. */
  readonly mode: string
  /** Where it was set: settings in Consul, or the plugin in Kong, which comes first. null for auto, unless set in Kong. */
  readonly mode_set_in: 'consul' | 'kong' | null
  readonly since: string | null
  readonly until: string | null
  readonly reason: string
  /** Plugin process that tells; null where none does. */
  readonly node: string | null
  readonly counts: Readonly<Record<string, unknown>>
}

/**
 * What every process tells; beside it services whose mode is not auto and ejections in KV that no process tells of, so
 * that what was done by hand and what was left behind is seen. Sorted by service, its own circuit first.
 * @param modes of breakers that are not `auto`, by service
 * @param byHand services whose mode somebody has set on the plugin in Kong
 */
export function listCircuits(
  nodes: readonly NodeCircuits[],
  ejections: readonly Ejection[],
  services: readonly ServiceView[],
  modes: ReadonlyMap<string, string>,
  byHand: ReadonlySet<string> = new Set(),
): readonly CircuitRow[] {
  const modeOf = (service: string) => ({
    mode: modes.get(service) ?? 'auto',
    mode_set_in: byHand.has(service) ? ('kong' as const) : modes.has(service) ? ('consul' as const) : null,
  })
  const base = (report: Pick<CircuitReport, 'state' | 'since' | 'until' | 'reason' | 'counts'>) => ({
    state: report.state,
    since: iso(report.since),
    until: iso(report.until),
    reason: report.reason,
    counts: report.counts,
  })
  const ofService = (service: string) =>
    ({
      kind: 'service',
      service,
      target: null,
      address: null,
      instance_id: null,
      ...modeOf(service),
    }) as const
  const ofInstance = (upstream: string, key: string) => {
    const { target, address } = placeOfInstance(key)
    const found = indexOf(services).byUpstream.get(upstream)
    const service = found?.service ?? ''
    const instance = found?.instances.find((each) => each.target === target)
    return {
      kind: 'instance',
      service,
      target,
      address,
      instance_id: instance?.id ?? null,
      ...modeOf(service),
    } as const
  }
  const told = nodes.flatMap(({ node, circuits }) =>
    circuits.map(({ circuit, ...report }): CircuitRow => {
      const what =
        circuit.kind === 'service'
          ? ofService(indexOf(services).byId.get(circuit.serviceId)?.service ?? '')
          : ofInstance(circuit.upstream, circuit.target)
      return { ...what, ...base(report), node }
    }),
  )
  const worst = worstOfEach(told)
  const known = new Set(worst.map(placeOf))
  const untold: CircuitRow[] = [
    ...[...modes.keys()].map((service) => ({
      ...ofService(service),
      ...base({ state: 'unknown', since: null, until: null, reason: 'no plugin process tells', counts: {} }),
      node: null,
    })),
    ...ejections.map(({ upstream, target, sinceMs, untilMs, reason, owner }) => ({
      ...ofInstance(upstream, target),
      ...base({ state: 'ejected', since: sinceMs, until: untilMs, reason, counts: {} }),
      node: owner === '' ? null : owner,
    })),
  ]
  return [...worst, ...worstOfEach(untold.filter((row) => !known.has(placeOf(row))))].sort(byPlace)
}

interface ViewIndex {
  readonly byId: ReadonlyMap<string, ServiceView>
  readonly byUpstream: ReadonlyMap<string, Pick<ServiceView, 'service' | 'instances'>>
}

/** The service's own and what its routes lead to. */
const led = (service: ServiceView) =>
  [service, ...(service.more ?? [])].filter(({ serviceId }) => serviceId !== null)

/** The same services are asked about again and again, and in most meshes nothing is: then no index is made. */
const indexes = new WeakMap<readonly ServiceView[], ViewIndex>()

function indexOf(services: readonly ServiceView[]): ViewIndex {
  const known = indexes.get(services)
  if (known !== undefined) return known
  const made: ViewIndex = {
    byId: new Map(services.flatMap((each) => led(each).map(({ serviceId }) => [serviceId!, each] as const))),
    byUpstream: new Map(
      services.flatMap((service) =>
        [service, ...(service.more ?? [])].flatMap(({ upstream, upstreamId, instances }) => {
          const found = { service: service.service, instances }
          return [[upstream, found] as const, [upstreamId, found] as const]
        }),
      ),
    ),
  }
  indexes.set(services, made)
  return made
}

/** As bad as it is for somebody, the later the worse. */
const RANK = ['closed', 'unknown', 'probing', 'half_open', 'ejected', 'open', 'forced_open']

/**
 * One row for a service, for an instance and for an address of it on each node: a service with routes of its own for some requests has several
 * circuits, and an instance is in several upstreams.
 */
function worstOfEach(rows: readonly CircuitRow[]): readonly CircuitRow[] {
  const worst = new Map<string, CircuitRow>()
  for (const row of rows) {
    const key = row.service === '' ? `${worst.size}` : `${placeOf(row)} ${row.node}`
    const before = worst.get(key)
    if (before === undefined || RANK.indexOf(row.state) > RANK.indexOf(before.state)) worst.set(key, row)
  }
  return [...worst.values()]
}

const placeOf = ({ service, target, address }: CircuitRow): string =>
  `${service} ${target ?? ''} ${address ?? ''}`

function byPlace(left: CircuitRow, right: CircuitRow): number {
  return compareText(placeOf(left), placeOf(right)) || compareText(left.node ?? '', right.node ?? '')
}

const iso = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString())
