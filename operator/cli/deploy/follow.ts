import type { ProcessConfig } from '../../config/load-config.ts'
import type { PlanReport } from '../../core/plan-report.ts'
import { whoLeads } from '../../leader/who-leads.ts'
import { applyOnce } from '../apply-once.ts'
import { callOperator } from '../call-operator.ts'
import { CliError } from '../cli-error.ts'
import { counted } from '../counted.ts'
import { waitUntil } from '../up/wait-until.ts'
import type { MeshSide } from './mesh-side.ts'

export interface FollowOptions {
  readonly services: ReadonlySet<string>
  /** What this process writes where nobody leads: these services, and others that their changes concern. */
  readonly concerned: ReadonlySet<string>
  readonly timeoutMs: number
  /** Lets go what the guard holds of these services: their removal was asked for. */
  readonly isRemoval: boolean
  readonly waiting: (text: string) => void
}

/**
 * Returns when Kong has what Consul says of these services: by the operator that leads, else by this process itself.
 * @returns who did it, in words
 * @throws CliError KONG_DID_NOT_FOLLOW
 */
export async function followKong(
  config: ProcessConfig,
  side: MeshSide,
  { services, concerned, timeoutMs, isRemoval, waiting }: FollowOptions,
): Promise<string> {
  const leader = await whoLeads(config.operator.consul, config.operator.mesh)
  if (leader === null) {
    waiting('no operator leads: this process applies it once')
    const released = isRemoval ? [...services] : []
    const result = await applyOnce(config.operator, { only: concerned, released })
    const failed = result.changes.find((change) => change.result === 'failed' && services.has(change.service))
    const pending = result.pending.filter((each) => services.has(each))
    if (failed !== undefined || pending.length > 0) {
      throw notFollowed(failed?.error ?? `not in Kong: ${pending.join(', ')}`)
    }
    const changes = result.changes.flatMap(({ diff }) => diff)
    return `${counted(changes.length, 'change')} applied, since no operator leads`
  }
  waiting(`operator ${leader} follows`)
  let lacking = ''
  const what = 'Kong as Consul says'
  await waitUntil(
    async () => {
      lacking = (await lackingOf(config, side, services)).join(', ')
      if (lacking !== '') waiting(`operator ${leader} has to ${lacking}`)
      return lacking === ''
    },
    { deadlineMs: timeoutMs, what, pollMs: 100 },
  ).catch((error: unknown) => {
    throw notFollowed(lacking === '' ? (error as Error).message : `still to do: ${lacking.slice(0, 500)}`)
  })
  return `as Consul says, by operator ${leader}`
}

/**
 * As an operator sees it, where one tells: it knows settings that this process does not. That it has nothing to do
 * counts once Kong has what this process reads in Consul: it may not have heard of what was just written.
 */
async function lackingOf(
  config: ProcessConfig,
  side: MeshSide,
  services: ReadonlySet<string>,
): Promise<readonly string[]> {
  const plan = await callOperator<PlanReport>(config, 'GET', '/plan').catch((error: unknown) => {
    if (error instanceof CliError) return null // a token that is refused, or it is not ready
    throw error
  })
  const told = plan?.changes.filter(({ service }) => services.has(service)) ?? []
  const changes = told.length > 0 ? told : await side.lacking(services)
  return changes.map(({ action, kind, name }) => `${action} ${kind} ${name}`)
}

const notFollowed = (answer: string): CliError =>
  new CliError('KONG_DID_NOT_FOLLOW', {
    tried: 'waiting for Kong to have what Consul says',
    answer,
    remedy: 'kongsul status and kongsul doctor say why (paused, held, refused by Kong)',
  })
