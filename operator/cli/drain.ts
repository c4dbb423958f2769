import type { ProcessConfig } from '../config/load-config.ts'
import type { CatalogSnapshot, Instance } from '../core/catalog.ts'
import type { Json } from '../core/entity.ts'
import { entityFromKong, type JsonObject } from '../core/kong-json.ts'
import { upstreamName } from '../core/names.ts'
import { overriddenOf } from '../core/tags.ts'
import { targetOf } from '../core/target-address.ts'
import type { KongAdmin } from '../kong/kong-admin.ts'
import { type AgentApi, agentApi } from './agent-api.ts'
import { CliError, explain } from './cli-error.ts'
import { type FoundInstance, findInstance } from './find-instance.ts'
import { reachKong } from './reach-kong.ts'
import { readSnapshot } from './read-mesh.ts'
import { waitUntil } from './up/wait-until.ts'

export interface DrainOptions {
  readonly reason: string
  readonly undo?: boolean
  readonly deregister?: boolean
  readonly node?: string
  /** Seconds, as text. */
  readonly timeout: string
  readonly force?: boolean
}

export interface DrainResult {
  readonly instance: string
  readonly service: string
  readonly target: string
  /** null: Kong has no such target any more. */
  readonly weight: number | null
  readonly deregistered: boolean
  readonly tookMs: number
  readonly message: string
}

/**
 * Takes an instance out of the traffic, or puts it back with `undo`, and waits until Kong shows it.
 * @throws CliError when the instance is not there, is the last one, or Kong does not follow in time.
 */
export async function drain(
  config: ProcessConfig,
  name: string,
  options: DrainOptions,
  note: (line: string) => void,
): Promise<DrainResult> {
  const deadlineMs = seconds(options.timeout) * 1000
  const snapshot = await readSnapshot(config.operator.consul)
  const found = findInstance(snapshot, name, options.node)
  const { service, instance } = found
  if (!options.undo && !options.force) refuseLast(snapshot, found)
  const address = targetOf(instance.address, instance.port)
  const target = address.ok ? address.target : `${instance.address}:${instance.port}`
  const { admins } = await reachKong(config.operator.kong)
  const agent = await agentOf(config, found)
  try {
    const before = await weightOf(admins, service, target, Math.max)
    if (before === null)
      note(`Kong has no target ${target} for ${service}: nothing is sent to it through the mesh`)
    const startedAt = performance.now()
    await agent.maintenance(instance.id, !options.undo, options.undo ? '' : options.reason)
    let weight = before
    if (before !== null || options.undo) {
      const reached = (now: number | null) =>
        options.undo ? now !== null && now > 0 : now === null || now === 0
      const what = options.undo ? `a weight above 0 for ${target}` : `weight 0 for ${target}`
      const followed = async () => {
        // The last of the nodes without database counts.
        weight = await weightOf(admins, service, target, options.undo ? Math.min : Math.max)
        return reached(weight)
      }
      await waitUntil(followed, { deadlineMs, what }).catch(async (error) => {
        const rows = await Promise.all(admins.map((admin) => rowAt(admin, service, target)))
        const byHand = rows.find((row) => row !== undefined && isWeightByHand(row))
        const undo = options.undo === true
        throw notFollowed(error, { id: instance.id, weight, undo, deadlineMs, edited: byHand?.['id'] })
      })
    }
    const tookMs = Math.round(performance.now() - startedAt)
    const deregistered = options.deregister === true && !options.undo
    if (deregistered) await agent.deregister(instance.id)
    const message = describe({ found, target, weight, tookMs, undo: options.undo === true, deregistered })
    return { instance: instance.id, service, target, weight, deregistered, tookMs, message }
  } finally {
    for (const admin of admins) admin.close()
    agent.close()
  }
}

/** Maintenance of the last instance means 503 for everybody. */
function refuseLast(snapshot: CatalogSnapshot, { service, instance }: FoundInstance): void {
  const serves = (each: Instance) =>
    each !== instance && !each.checks.some(({ status }) => status === 'critical')
  if (snapshot.services.get(service)?.some(serves)) return
  throw new CliError('LAST_INSTANCE', {
    tried: `draining ${instance.id}`,
    answer: `no other instance of ${service} is healthy: every request to it would get 503`,
    remedy: 'start another instance first, or give --force',
  })
}

/** The agent that holds the registration: maintenance can be set there alone. */
async function agentOf(config: ProcessConfig, { instance }: FoundInstance): Promise<AgentApi> {
  const agent = agentApi(config.operator.consul)
  const { node } = await agent.self()
  if (node === instance.node) return agent
  agent.close()
  throw new CliError('OTHER_AGENT', {
    tried: `setting maintenance for ${instance.id}`,
    answer: `it is registered at the agent of node ${instance.node}; ${config.operator.consul.url} is the agent of ${node}`,
    remedy: `run this with CONSUL_HTTP_ADDR set to the agent of ${instance.node}`,
  })
}

/** @param pick which weight counts where several nodes have different ones */
async function weightOf(
  admins: readonly KongAdmin[],
  service: string,
  target: string,
  pick: (...weights: number[]) => number,
): Promise<number | null> {
  const found = await Promise.all(admins.map((admin) => weightAt(admin, service, target)))
  const weights = found.filter((weight) => weight !== null)
  return weights.length === 0 ? null : pick(...weights)
}

async function weightAt(admin: KongAdmin, service: string, target: string): Promise<number | null> {
  const row = await rowAt(admin, service, target)
  return row === undefined ? null : Number(row['weight'])
}

async function rowAt(admin: KongAdmin, service: string, target: string): Promise<JsonObject | undefined> {
  const rows = await admin.list(['upstreams', upstreamName(service), 'targets']).catch((error) => {
    if ((error as { code?: string }).code === 'KONG_NOT_FOUND') return []
    throw error
  })
  return rows.find((each) => each['target'] === target)
}

const isWeightByHand = (row: JsonObject): boolean =>
  overriddenOf(entityFromKong('target', row).tags).has('weight')

interface NotFollowed {
  readonly id: string
  readonly weight: number | null
  readonly undo: boolean
  readonly deadlineMs: number
  /** Id of a target whose weight a person has set. */
  readonly edited: Json | undefined
}

function notFollowed(error: unknown, { id, weight, undo, deadlineMs, edited }: NotFollowed): CliError {
  const back = undo ? '' : `; kongsul drain ${id} --undo takes it back`
  return new CliError('KONG_DID_NOT_FOLLOW', {
    tried: `waiting ${deadlineMs / 1000} s for Kong after ${undo ? 'ending' : 'setting'} the maintenance of ${id}`,
    answer: `Kong ${weight === null ? 'has no such target' : `still gives it weight ${weight}`} (${explain(error)})`,
    remedy: edited
      ? `its weight was set in Kong by hand and is kept: kongsul overrides release ${edited}${back}`
      : `see with kongsul status whether the operator runs, or something is paused or held${back}`,
  })
}

interface Described {
  readonly found: FoundInstance
  readonly target: string
  readonly weight: number | null
  readonly tookMs: number
  readonly undo: boolean
  readonly deregistered: boolean
}

function describe({ found, target, weight, tookMs, undo, deregistered }: Described): string {
  const who = `${found.service}/${found.instance.id} (${target})`
  if (undo) return `${who} is back: weight ${weight} in Kong after ${tookMs} ms.`
  const shows = weight === null ? 'Kong has no target for it' : `Kong shows weight 0 after ${tookMs} ms`
  if (deregistered) return `${who} is drained and deregistered: ${shows}.`
  return `${who} is drained: ${shows}. Stop it when its requests under way have ended, or put it back with kongsul drain ${found.instance.id} --undo.`
}

function seconds(text: string): number {
  const value = Number(text)
  if (Number.isFinite(value) && value > 0) return value
  throw new CliError('BAD_OPTION', {
    tried: 'reading --timeout',
    answer: `${JSON.stringify(text)} is not a number of seconds above 0`,
    remedy: 'give seconds, for example --timeout 60',
  })
}
