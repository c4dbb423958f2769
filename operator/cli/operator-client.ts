import type { Problem } from '../core/problem.ts'
import { tlsFetch } from '../secrets/tls-fetch.ts'
import type { FromKong } from '../sync/circuit-book.ts'
import type { IntentionsStatus } from '../sync/intentions-status.ts'
import type { CircuitRow } from '../sync/list-circuits.ts'
import type { OperatorConfig } from '../sync/operator-config.ts'
import type { OperatorStatus } from '../sync/operator-status.ts'
import { revealed } from '../telemetry/secret.ts'
import { type Asked, OPERATORS, refuseTls } from './call-operator.ts'
import { troubled } from './circuit-notes.ts'
import { CliError, explain } from './cli-error.ts'
import { instanceCircuits, type StatusReport } from './status-report.ts'

const TIMEOUT_MS = 10_000

type Note = (line: string) => void

/** What the running operator decides with, for a plan made here in its place. */
export type OperatorSettings = Pick<OperatorConfig, 'mesh'> &
  Partial<Pick<OperatorConfig, 'hostSuffix' | 'expose' | 'overrides'>>

/**
 * The settings of the running operator, as far as it tells them; null when it does not answer.
 * @throws CliError OPERATOR_DENIED when it refuses the token.
 */
export async function readOperatorSettings(config: Asked): Promise<OperatorSettings | null> {
  const status = await ask<OperatorStatus>(config, '/api/v1/mesh/v2/status?services=false', () => {})
  return status && settingsOf(status)
}

/** The status of the running operator, as `status` shows it. */
export async function readOperatorStatus(config: Asked, note: Note): Promise<StatusReport | null> {
  const status = await ask<OperatorStatus>(config, '/api/v1/mesh/v2/status', note)
  return status && reportOf(status, config.addr, (await readCircuits(config)).circuits)
}

/** What the running operator enforces of intentions; null where it does not answer, or is older than that. */
export async function readIntentions(config: Asked): Promise<IntentionsStatus | null> {
  const status = await ask<Partial<OperatorStatus>>(config, '/api/v1/mesh/v2/status?services=false', () => {})
  return status?.intentions ?? null
}

/** What is wrong by what the running operator says; nothing where it does not answer. */
export async function readProblems(config: Asked): Promise<readonly Problem[]> {
  const status = await ask<Partial<OperatorStatus>>(config, '/api/v1/mesh/v2/status?services=false', () => {})
  return status?.problems ?? []
}

/** What the plugin processes tell. */
export interface CircuitAnswer {
  readonly circuits: readonly CircuitRow[]
  /** Those that have told of themselves within the last 15 s. */
  readonly processes: readonly {
    readonly node: string
    readonly told_at: string
    /** Absent where the operator, null where the process is older than telling it. */
    readonly version?: string | null
    /** The same. */
    readonly from_kong?: FromKong | null
  }[]
}

/** What the running operator has heard of circuits; nothing where it does not answer, or is older than that. */
export async function readCircuits(config: Asked): Promise<CircuitAnswer> {
  const answer = await ask<Partial<CircuitAnswer>>(config, '/api/v1/mesh/v2/circuits', () => {})
  return { circuits: answer?.circuits ?? [], processes: answer?.processes ?? [] }
}

/** Whether the operator is ready; null when it does not answer. */
export async function readReadiness({
  addr,
  operatorsTls,
}: Omit<Asked, 'operatorToken'>): Promise<{ ready: boolean; url: string } | null> {
  try {
    const asking = { signal: AbortSignal.timeout(TIMEOUT_MS) }
    const { ok } = await tlsFetch(operatorsTls, OPERATORS)(`${addr}/readyz`, asking)
    return { ready: ok, url: addr }
  } catch (error) {
    refuseTls(`GET ${addr}/readyz`, error)
    return null // down, which the reader of the report sees
  }
}

async function ask<T>(
  { addr, operatorToken, operatorsTls }: Asked,
  path: string,
  note: Note,
): Promise<T | null> {
  const token = revealed(operatorToken)
  const directly = (why: string) => {
    note(`the operator at ${addr} ${why}: reading Consul and Kong directly`)
    return null
  }
  let answer: Response
  try {
    answer = await tlsFetch(operatorsTls, OPERATORS)(`${addr}${path}`, {
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
  } catch (error) {
    return directly(`does not answer (${explain(error)})`)
  }
  if (answer.status === 401 || answer.status === 403) {
    throw new CliError('OPERATOR_DENIED', {
      tried: `GET ${addr}${path}`,
      answer: `${answer.status}: ${(await answer.text()).slice(0, 200)}`,
      remedy: 'set KONGSUL_TOKEN_FILE to a file with the token of this operator, or give --direct',
    })
  }
  if (!answer.ok) return directly(`answered ${answer.status}`)
  return (await answer.json()) as T
}

/** An operator of another version may tell the name of its mesh alone. */
function settingsOf(status: OperatorStatus): OperatorSettings {
  const { mesh, host_suffix, expose_default, overrides_policy }: Partial<OperatorStatus> & { mesh: string } =
    status
  return {
    mesh,
    ...(host_suffix === undefined ? {} : { hostSuffix: host_suffix }),
    ...(expose_default === undefined ? {} : { expose: expose_default ?? undefined }),
    ...(overrides_policy === undefined ? {} : { overrides: { policy: overrides_policy } }),
  }
}

function reportOf(status: OperatorStatus, url: string, circuits: readonly CircuitRow[]): StatusReport {
  const circuitOf = instanceCircuits(circuits)
  const { totals, pending, failing, overrides, problems } = status
  const waiting = new Set(status.planned.map(({ service }) => service))
  const waitingTargets = new Set(
    status.planned.filter(({ kind }) => kind === 'target').map(({ service, name }) => `${service} ${name}`),
  )
  const byHand = new Map(
    overrides
      .filter(({ kind, field }) => kind === 'target' && field === 'weight')
      .map(({ service, name, actual }) => [`${service} ${name}`, Number(actual)]),
  )
  const isInKong = (state: string, service: string, target: string) =>
    state === 'in_sync' || (state === 'paused' && !waitingTargets.has(`${service} ${target}`))
  return {
    operator: { ready: status.ready, url },
    services: status.services.map(({ state, ...service }) => ({
      ...service,
      instances: service.instances.map((instance) => ({
        ...instance,
        // Of a service under way the operator does not tell what Kong has of it so far.
        weightInKong:
          byHand.get(`${service.service} ${instance.target}`) ??
          (isInKong(state, service.service, instance.target) ? instance.weight : null),
        circuit: circuitOf(service.service, instance.target),
      })),
    })),
    counts: {
      ...totals,
      // What is planned waits: its service is paused, or this is a dry run.
      pending: new Set([...pending, ...failing.map(({ service }) => service), ...waiting]).size,
      overrides: overrides.length,
    },
    circuits: troubled(circuits),
    // An operator of another version may not tell.
    ...((status as Partial<OperatorStatus>).intentions && { intentions: status.intentions }),
    problems: [
      ...problems,
      ...status.reasons.map((reason) => problem('OPERATOR_NOT_READY', '', reason)),
      ...failing.map(({ service, message }) => problem('APPLY_FAILED', service, message)),
    ],
  }
}

const problem = (code: string, service: string, message: string) =>
  ({ code, severity: 'error', service, message }) as const
