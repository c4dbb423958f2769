/** What is wrong now, by the thresholds. Whether it has been so for long enough is for alert-state.ts. Pure. */

import type { Problem } from '../core/problem.ts'
import type { MeshMetrics, ServiceMetrics } from '../metrics/mesh-numbers.ts'
import type { Above, AlertSettings, Below, ServiceThresholds } from './alert-settings.ts'

export const ALERT_NAMES = [
  'MeshHealthScoreLow',
  'MeshServiceDown',
  'MeshServiceDegraded',
  'MeshErrorRateHigh',
  'MeshLatencyHigh',
  'MeshCircuitOpen',
  'MeshConsulUnreachable',
  'MeshKongUnreachable',
  'MeshHeld',
  'MeshCanaryRolledBack',
] as const
export type AlertName = (typeof ALERT_NAMES)[number]
export const SEVERITIES = ['critical', 'warning'] as const
export type Severity = (typeof SEVERITIES)[number]

export interface Condition {
  /** One of each: whatever says the same again is the same alert. */
  readonly id: string
  readonly name: AlertName
  readonly severity: Severity
  /** null: of the mesh as a whole. */
  readonly service: string | null
  readonly message: string
  readonly value: number | null
  readonly threshold: number | null
  readonly forSeconds: number
}

/** A service with how many requests its numbers come from. */
export interface JudgedService extends ServiceMetrics {
  readonly requests: number
}

export interface AlertFacts {
  readonly mesh: Pick<MeshMetrics, 'health_score' | 'total_instances' | 'healthy_instances'>
  readonly services: readonly JudgedService[]
  readonly problems: readonly Problem[]
  /** null while they can be reached. */
  readonly consulError: string | null
  readonly kongError: string | null
}

/** Sorted by id. */
export function conditions(facts: AlertFacts, settings: AlertSettings): readonly Condition[] {
  const { mesh, services } = facts
  const found = [
    ...ofScore(mesh, settings.meshScore),
    ...services.flatMap((service) => {
      const thresholds = settings.services.get(service.service_name) ?? settings
      return ofService(service, thresholds)
    }),
    ...ofReach('MeshConsulUnreachable', facts.consulError, settings.unreachable),
    ...ofReach('MeshKongUnreachable', facts.kongError, settings.unreachable),
    ...ofHolds(facts.problems, settings.held),
    ...ofCanaries(facts.problems, settings.canary),
  ]
  return found.sort((left, right) => (left.id < right.id ? -1 : 1))
}

function ofScore(mesh: AlertFacts['mesh'], rule: Below | null): Condition[] {
  if (rule === null || mesh.total_instances === 0) return []
  const found = below(mesh.health_score, rule)
  if (found === null) return []
  const counts = `${mesh.healthy_instances} of ${mesh.total_instances} instances are healthy`
  return [condition('MeshHealthScoreLow', null, { ...found, ...rule }, counts)]
}

function ofService(service: JudgedService, thresholds: ServiceThresholds): Condition[] {
  const { service_name: name, circuit_breakers_open: open } = service
  const { serviceHealth, errorRate, p95Ms, circuitOpen } = thresholds
  const found: Condition[] = []
  const add = (alert: AlertName, level: Level, forSeconds: number, message: string) =>
    found.push(condition(alert, name, { ...level, forSeconds }, message))

  if (serviceHealth !== null && service.instance_count > 0) {
    const counts = `${service.healthy_count} of ${service.instance_count} instances of ${name} are healthy`
    if (service.healthy_count === 0) {
      const level = { severity: 'critical', value: 0, threshold: 0 } as const
      add('MeshServiceDown', level, serviceHealth.forSeconds, counts)
    } else {
      const level = below(service.health_percentage, serviceHealth)
      if (level !== null) add('MeshServiceDegraded', level, serviceHealth.forSeconds, counts)
    }
  }
  const { requests, error_rate: errors, p95_latency: p95 } = service
  if (errorRate !== null && requests >= errorRate.minimumRequests) {
    const level = above(errors, errorRate)
    const message = `${percent(errors)} of the requests to ${name} failed in the last minute`
    if (level !== null) add('MeshErrorRateHigh', level, errorRate.forSeconds, message)
  }
  if (p95Ms !== null && requests >= p95Ms.minimumRequests) {
    const level = above(p95, p95Ms)
    const message = `one in 20 requests to ${name} took ${Math.round(p95)} ms or more in the last minute`
    if (level !== null) add('MeshLatencyHigh', level, p95Ms.forSeconds, message)
  }
  if (circuitOpen !== null && open > 0) {
    const level = { severity: 'warning', value: open, threshold: 0 } as const
    const circuits = open === 1 ? '1 circuit is open' : `${open} circuits are open`
    add('MeshCircuitOpen', level, circuitOpen.forSeconds, `${name}: ${circuits}; see kongsul circuits`)
  }
  return found
}

function ofReach(
  name: AlertName,
  error: string | null,
  rule: { readonly forSeconds: number } | null,
): Condition[] {
  if (rule === null || error === null) return []
  const what = name === 'MeshKongUnreachable' ? 'Kong' : 'Consul'
  const level = { severity: 'critical', value: null, threshold: null } as const
  return [condition(name, null, { ...level, ...rule }, `${what} cannot be reached: ${error}`)]
}

/** What keeps Kong from following Consul, on purpose. */
const HELD: ReadonlySet<string> = new Set(['PAUSED', 'SHRINK_HELD', 'CRITICAL_HELD', 'ALL_CRITICAL'])

function ofHolds(problems: readonly Problem[], rule: { readonly forSeconds: number } | null): Condition[] {
  if (rule === null) return []
  const level = { severity: 'warning', value: null, threshold: null } as const
  return problems
    .filter(({ code }) => HELD.has(code))
    .map(({ code, service, message }) => ({
      ...condition('MeshHeld', service === '' ? null : service, { ...level, ...rule }, message),
      id: `MeshHeld/${code}/${service}`,
    }))
}

/** Those that failed by themselves; nobody may have looked on. */
function ofCanaries(problems: readonly Problem[], rule: { readonly forSeconds: number } | null): Condition[] {
  if (rule === null) return []
  const level = { severity: 'warning', value: null, threshold: null } as const
  return problems
    .filter(({ code }) => code === 'CANARY_ROLLED_BACK')
    .map(({ service, message }) =>
      condition('MeshCanaryRolledBack', service, { ...level, ...rule }, `${service}: ${message}`),
    )
}

interface Level {
  readonly severity: Severity
  readonly value: number | null
  readonly threshold: number | null
}

function condition(
  name: AlertName,
  service: string | null,
  { severity, value, threshold, forSeconds }: Level & { readonly forSeconds: number },
  message: string,
): Condition {
  const id = service === null ? name : `${name}/${service}`
  return { id, name, severity, service, message, value, threshold, forSeconds }
}

function below(value: number, { criticalBelow, warningBelow }: Below): Level | null {
  if (criticalBelow !== null && value < criticalBelow)
    return { severity: 'critical', value, threshold: criticalBelow }
  if (warningBelow !== null && value < warningBelow)
    return { severity: 'warning', value, threshold: warningBelow }
  return null
}

function above(value: number, { critical, warning }: Above): Level | null {
  if (critical !== null && value >= critical) return { severity: 'critical', value, threshold: critical }
  if (warning !== null && value >= warning) return { severity: 'warning', value, threshold: warning }
  return null
}

const percent = (value: number): string => `${Math.round(value * 10) / 10} %`
