import type { Desired, InstanceReport, ServiceReport } from '../core/desired.ts'
import type { Diff } from '../core/diff.ts'
import type { KongState } from '../core/entity.ts'
import { upstreamName } from '../core/names.ts'
import type { Problem } from '../core/problem.ts'
import type { IntentionsStatus } from '../sync/intentions-status.ts'
import type { CircuitRow } from '../sync/list-circuits.ts'
import { circuitNote, troubled } from './circuit-notes.ts'
import { counted } from './counted.ts'
import { intentionWords } from './intention-lines.ts'
import type { Io } from './io.ts'
import { problemLines } from './plan-report.ts'
import { type Cell, formatTable } from './table.ts'

export interface StatusInstance extends InstanceReport {
  /** Weight that Kong has now; null when it has no such target, or that is not known. */
  readonly weightInKong: number | null
  /** What keeps it out besides Consul: the breaker has ejected it, or tries it again; null otherwise. */
  readonly circuit: InstanceCircuit | null
}

export type InstanceCircuit = Pick<CircuitRow, 'state' | 'since' | 'until' | 'reason' | 'address'>

export interface StatusService extends Omit<ServiceReport, 'instances'> {
  readonly instances: readonly StatusInstance[]
}

export interface StatusReport {
  /** null when it could not be asked. */
  readonly operator: { readonly ready: boolean; readonly url: string } | null
  readonly services: readonly StatusService[]
  readonly counts: {
    readonly services: number
    readonly exposed: number
    readonly instances: number
    readonly healthy: number
    readonly degraded: number
    readonly unhealthy: number
    /** Changes that Kong still needs; services that need some, where an operator tells. */
    readonly pending: number
    readonly overrides: number
  }
  readonly problems: readonly Problem[]
  /** Where an operator tells. */
  readonly intentions?: IntentionsStatus
  /** Circuits of services and instances that are not closed, as far as anybody tells. */
  readonly circuits: readonly CircuitRow[]
}

/** What `status` has to say: what Consul wants, and what Kong has of it. */
export function statusReport(
  { services, problems }: Desired,
  actual: KongState,
  diff: Diff,
  operator: StatusReport['operator'],
  circuits: readonly CircuitRow[] = [],
): StatusReport {
  const weights = weightsInKong(actual)
  const circuitOf = instanceCircuits(circuits)
  const listed = services
    .toSorted((a, b) => (a.service < b.service ? -1 : 1))
    .map((service) => ({
      ...service,
      instances: service.instances.map((instance) => ({
        ...instance,
        weightInKong: weights.get(`${upstreamName(service.service)} ${instance.target}`) ?? null,
        circuit: circuitOf(service.service, instance.target),
      })),
    }))
  const instances = listed.flatMap((service) => service.instances)
  const count = (health: InstanceReport['health']) =>
    instances.filter((each) => each.health === health).length
  return {
    operator,
    services: listed,
    counts: {
      services: listed.length,
      exposed: listed.filter(({ exposed }) => exposed).length,
      instances: instances.length,
      healthy: count('healthy'),
      degraded: count('degraded'),
      unhealthy: count('unhealthy'),
      pending: diff.changes.length,
      overrides: diff.overrides.length,
    },
    problems: [...problems, ...diff.conflicts],
    circuits: troubled(circuits),
  }
}

/** The circuit of an instance where it is not closed. */
export function instanceCircuits(
  circuits: readonly CircuitRow[],
): (service: string, target: string) => InstanceCircuit | null {
  const found = new Map<string, CircuitRow>()
  for (const row of troubled(circuits)) {
    const place = `${row.service} ${row.target ?? ''}`
    // Of the addresses of a host name rather one that is out than one that is tried again.
    if (found.get(place)?.state !== 'ejected') found.set(place, row)
  }
  return (service, target) => {
    const row = target === '' ? undefined : found.get(`${service} ${target}`)
    if (row === undefined) return null
    const { state, since, until, reason, address = null } = row
    return { state, since, until, reason, address }
  }
}

/** Weights of targets by `<upstream name> <target>`. */
function weightsInKong(actual: KongState): ReadonlyMap<string, number> {
  const names = new Map(
    [...actual.values()].filter(({ kind }) => kind === 'upstream').map(({ id, name }) => [id, name]),
  )
  return new Map(
    [...actual.values()]
      .filter(({ kind }) => kind === 'target')
      .map(({ parent, name, fields }) => [`${names.get(parent)} ${name}`, Number(fields['weight'])]),
  )
}

/** The table of services and instances; `extra` adds a last column by instance id. */
export function statusTable(
  services: readonly StatusService[],
  { paint, width }: Pick<Io, 'paint' | 'width'>,
  extra?: { readonly title: string; readonly of: (instance: StatusInstance) => string },
): string[] {
  const rows = services.flatMap((service) =>
    service.instances.map((instance, index): (Cell | string)[] => [
      index === 0 ? { text: service.service, paint: paint.bold } : '',
      instance.id,
      instance.target || `${instance.address}:${instance.port}`,
      healthCell(instance, paint),
      weightCell(instance, paint),
      ...(extra ? [extra.of(instance)] : []),
      index === 0 ? reach(service) : '',
    ]),
  )
  const columns = [
    { title: 'SERVICE', shrinks: true },
    { title: 'INSTANCE', shrinks: true },
    { title: 'ADDRESS' },
    { title: 'HEALTH' },
    { title: 'WEIGHT', align: 'right' as const },
    ...(extra ? [{ title: extra.title, align: 'right' as const }] : []),
    { title: 'REACHED BY', shrinks: true },
  ]
  return formatTable(columns, rows, { width: width(), heading: paint.dim })
}

/** The lines that `status` prints for people. */
export function statusLines(
  report: StatusReport,
  io: Pick<Io, 'paint' | 'width'>,
  nowMs: number = Date.now(),
): string[] {
  const { counts, operator } = report
  const shown = report.services.filter(isReachable)
  const kept = report.services.filter(({ keptAtLastWeights }) => keptAtLastWeights)
  return [
    ...(shown.length > 0 ? [...statusTable(shown, io), ''] : []),
    `${counted(counts.services, 'service')}, ${counted(counts.instances, 'instance')}: ${counts.healthy} healthy, ` +
      `${counts.degraded} degraded, ${counts.unhealthy} unhealthy.`,
    counts.pending === 0
      ? 'Kong is as Consul says.'
      : `${counted(counts.pending, 'change')} not yet in Kong: see kongsul plan.`,
    ...(counts.overrides === 0
      ? []
      : [
          io.paint.yellow(
            `${counted(counts.overrides, 'field')} edited in Kong by hand ${counts.overrides === 1 ? 'is' : 'are'} kept: see kongsul overrides list.`,
          ),
        ]),
    ...(operator ? [`operator ${operator.url}: ${operator.ready ? 'ready' : 'not ready'}`] : []),
    ...(kept.length > 0
      ? [
          `all instances critical, kept at their last weights: ${kept.map(({ service }) => service).join(', ')}`,
        ]
      : []),
    ...intentionLines(report, io),
    ...report.circuits.map((row) => io.paint.red(circuitNote(row, nowMs))),
    ...hiddenLines(report.services),
    ...problemLines(report.problems, io.paint),
  ]
}

function intentionLines({ intentions }: StatusReport, { paint }: Pick<Io, 'paint'>): string[] {
  if (intentions === undefined) return []
  const { enforced, loose } = intentionWords(intentions)
  return [...(enforced === null ? [] : [enforced]), ...loose.map(paint.yellow)]
}

/** Services that could be reachable through the proxy; Consul's own servers never are. */
export const isReachable = ({ service }: Pick<ServiceReport, 'service'>): boolean => service !== 'consul'

/** Services that the proxy does not serve, by the reason. */
export function hiddenLines(
  services: readonly Pick<ServiceReport, 'service' | 'exposed' | 'exposureReason'>[],
): string[] {
  const hidden = services
    .filter((each) => isReachable(each) && !each.exposed)
    // Reasons name the service where they name its key: one reason for all of them.
    .map(({ service, exposureReason }) => ({
      service,
      reason: exposureReason.replaceAll(`mesh/services/${service}`, 'mesh/services/<name>'),
    }))
  return [...new Set(hidden.map(({ reason }) => reason))].map((reason) => {
    const names = hidden.filter((each) => each.reason === reason).map(({ service }) => service)
    const shown = names.slice(0, MOST_NAMES).join(', ')
    const more = names.length > MOST_NAMES ? ` and ${names.length - MOST_NAMES} more` : ''
    return `${names.length} not reachable through the proxy: ${shown}${more} (${reason})`
  })
}

const MOST_NAMES = 10

function healthCell({ health, reason, circuit }: StatusInstance, paint: Io['paint']): Cell {
  // Of an instance that Consul keeps out, that is the reason.
  if (circuit !== null && health !== 'unhealthy') {
    const colour = circuit.state === 'ejected' ? paint.red : paint.yellow
    const at = circuit.address === null ? '' : ` at ${circuit.address}`
    return { text: `${circuit.state.toUpperCase()}${at} (by the circuit breaker)`, paint: colour }
  }
  if (health === 'healthy') return { text: 'HEALTHY', paint: paint.green }
  const text = reason ? `${health.toUpperCase()} (${reason})` : health.toUpperCase()
  return { text, paint: health === 'degraded' ? paint.yellow : paint.red }
}

function weightCell({ weight, weightInKong }: StatusInstance, paint: Io['paint']): Cell {
  if (weightInKong === weight) return { text: String(weight) }
  return { text: `${weightInKong ?? '-'} -> ${weight}`, paint: paint.yellow }
}

function reach({ exposed, hosts, paths }: StatusService): string {
  return exposed ? [...hosts, ...paths].join(' ') : 'not exposed'
}
