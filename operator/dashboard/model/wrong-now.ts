/** Everything that is wrong now, from wherever it is known, the worst first, each thing once. */

import type { Alert, Circuit, Dashboard, Problem, Status } from './api-shapes.ts'
import { plainReason } from './format.ts'
import { type Level, levelOfState, worst } from './severity.ts'

export interface Trouble {
  readonly id: string
  readonly level: Level
  /** What kind of thing, as somebody may search for it. */
  readonly name: string
  readonly service: string | null
  readonly message: string
  /** What is known of the cause, a line each. */
  readonly why: readonly string[]
  /** RFC 3339 */
  readonly since: string | null
  readonly isSilenced: boolean
  /** It has not lasted long enough yet to be told to anybody. */
  readonly isPending: boolean
  /** Page of the runbook, where the operator knows an address of it. */
  readonly runbook: string | null
}

export function wrongNow(
  alerts: readonly Alert[],
  status: Pick<Status, 'consul' | 'kong' | 'problems' | 'failing'> | null,
  circuits: readonly Circuit[] = [],
): readonly Trouble[] {
  const troubles = [
    ...alerts.filter(({ state }) => state !== 'resolved').map((alert) => ofAlert(alert, circuits)),
    ...(status === null ? [] : ofStatus(status, alerts)),
  ]
  return [...new Map([...troubles].reverse().map((each) => [each.id, each])).values()].sort(byWeight)
}

function ofAlert(alert: Alert, circuits: readonly Circuit[]): Trouble {
  const { service_name: service, message } = alert
  return {
    id: alert.id,
    level: levelOfState(alert.severity),
    name: alert.name,
    service,
    // The name stands before it already.
    message:
      service !== null && message.startsWith(`${service}: `) ? message.slice(service.length + 2) : message,
    why: alert.name === 'MeshCircuitOpen' ? whyOpen(circuits.filter((each) => each.service === service)) : [],
    since: alert.since,
    isSilenced: alert.silenced_by.length > 0,
    isPending: alert.state === 'pending',
    runbook: /^https?:/.test(alert.runbook) ? alert.runbook : null,
  }
}

const MOST_REASONS = 4

function whyOpen(circuits: readonly Circuit[]): readonly string[] {
  const told = circuits
    .filter(({ state }) => state !== 'closed')
    .map(({ kind, target, address, instance_id, state, reason }) => {
      const instance = `${instance_id ?? target ?? 'an instance'}${address ? ` at ${address}` : ''}`
      const who = kind === 'instance' ? instance : 'the service as a whole'
      return `${who} ${state.replace('_', ' ')}${reason === '' ? '' : `: ${plainReason(reason)}`}`
    })
  return [...new Set(told)].slice(0, MOST_REASONS)
}

function ofStatus(
  { consul, kong, problems, failing }: Pick<Status, 'consul' | 'kong' | 'problems' | 'failing'>,
  alerts: readonly Alert[],
): readonly Trouble[] {
  const has = (name: string) => alerts.some((alert) => alert.name === name && alert.state !== 'resolved')
  const lost = (name: string, what: string, error: string | null): Trouble =>
    trouble(name, 'bad', name, null, `${what} cannot be reached: ${error ?? 'no answer'}`)
  return [
    ...(consul.connected || has('MeshConsulUnreachable')
      ? []
      : [lost('MeshConsulUnreachable', 'Consul', consul.error)]),
    ...(kong.connected || has('MeshKongUnreachable')
      ? []
      : [lost('MeshKongUnreachable', 'Kong', kong.error)]),
    ...failing.map(({ service, attempt, message }) =>
      trouble(
        `failing/${service}`,
        'bad',
        'NotApplied',
        service,
        `not in Kong after ${attempt} tries: ${message}`,
      ),
    ),
    ...problems
      .filter((problem) => problem.severity !== 'info' && !isAlerted(problem, alerts))
      .map(({ code, severity, service, message }) =>
        trouble(
          `${code}/${service}/${message}`,
          severity === 'error' ? 'bad' : 'warn',
          code,
          service || null,
          message,
        ),
      ),
  ]
}

const isAlerted = ({ code, service }: Problem, alerts: readonly Alert[]): boolean =>
  alerts.some(
    ({ id }) =>
      id === `MeshHeld/${code}/${service}` ||
      (code === 'CANARY_ROLLED_BACK' && id === `MeshCanaryRolledBack/${service}`),
  )

const trouble = (
  id: string,
  level: Level,
  name: string,
  service: string | null,
  message: string,
): Trouble => ({
  id,
  level,
  name,
  service,
  message,
  why: [],
  since: null,
  isSilenced: false,
  isPending: false,
  runbook: null,
})

/** What is silenced or pending comes after what is not. */
function byWeight(left: Trouble, right: Trouble): number {
  const rank = ({ level, isSilenced, isPending }: Trouble) =>
    (isSilenced ? 20 : 0) + (isPending ? 10 : 0) + (level === 'bad' ? 0 : 1)
  return (
    rank(left) - rank(right) ||
    (left.service ?? '').localeCompare(right.service ?? '') ||
    (left.id < right.id ? -1 : 1)
  )
}

export interface MeshVerdict {
  readonly level: Level
  /** One sentence for somebody who has five seconds. */
  readonly sentence: string
}

/** What the page says at its top. */
export function meshVerdict(dashboard: Dashboard, troubles: readonly Trouble[]): MeshVerdict {
  const active = troubles.filter(({ isSilenced, isPending }) => !isSilenced && !isPending)
  const { mesh_metrics: mesh } = dashboard
  if (mesh.total_services === 0) {
    return { level: 'unknown', sentence: 'No service is registered in Consul yet' }
  }
  if (active.length > 0) {
    const [first] = active
    const level = worst(active.map((each) => each.level))
    const more = active.length === 1 ? '' : `, and ${active.length - 1} more`
    const { service } = first!
    const message = first!.why[0] ?? first!.message
    const whose = service === null || service === '*' || message.includes(service) ? '' : `${service}: `
    return { level, sentence: `${whose}${message}${more}` }
  }
  if (mesh.healthy_instances < mesh.total_instances) {
    const out = mesh.total_instances - mesh.healthy_instances
    return {
      level: 'warn',
      sentence: `${out} of ${mesh.total_instances} instances are not healthy; no alert fires`,
    }
  }
  if (mesh.request_rate === 0) {
    return { level: 'idle', sentence: 'All instances are healthy; no request within the last minute' }
  }
  return { level: 'ok', sentence: 'All instances are healthy and no alert fires' }
}
