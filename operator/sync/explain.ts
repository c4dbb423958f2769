import type { ServiceReport } from '../core/desired.ts'
import type { Ejection } from '../core/ejections.ts'
import type { Entity } from '../core/entity.ts'
import { type ExplainedRequest, explainRequest, type RouteExplanation } from '../core/explain-request.ts'
import { type ComparedExplanation, explanationDifferences } from '../core/explanation-differences.ts'
import { placeOf } from '../core/instance-key.ts'
import { upstreamName } from '../core/names.ts'
import { isMarkedOut, targetReason } from '../core/target-reason.ts'
import type { KongAdmin } from '../kong/kong-admin.ts'
import { KongError } from '../kong/kong-error.ts'
import { readTargetHealth } from '../kong/marks.ts'
import { readLists, readTargets } from '../kong/read-state.ts'

export interface Explanation extends NodeExplanation {
  readonly request: { readonly method: string; readonly url: string }
  /** Admin URL of the node that was read for this. */
  readonly node: string
  /** Every other node of Kong, and what it does otherwise. */
  readonly others: readonly OtherNode[]
}

export interface OtherNode {
  readonly node: string
  /** Why it could not be read; null when it was. */
  readonly error: string | null
  /** Empty when it does the same. */
  readonly differences: readonly string[]
}

/** What one node does with the request. */
export interface NodeExplanation {
  readonly route: RouteExplanation['route']
  readonly beat: RouteExplanation['beat']
  readonly service: ComparedExplanation['service']
  readonly targets: readonly ExplainedTarget[]
  readonly plugins: RouteExplanation['plugins']
  readonly hint: RouteExplanation['hint']
}

export interface ExplainedTarget {
  readonly target: string
  /** Consul service id; null for a target that Consul does not know. */
  readonly instance: string | null
  readonly weight: number
  readonly in: boolean
  readonly reason: string
}

/** One node of Kong that can be asked, or the reason why it cannot. */
export interface ExplainNode {
  readonly url: string
  readonly admin: KongAdmin
  /** Why it is not asked; null when it is. */
  readonly refusal: string | null
}

export interface ExplainSources {
  /** Every node; the first that answers is the one whose answer is told in full. */
  readonly nodes: () => readonly ExplainNode[]
  readonly services: () => readonly ServiceReport[]
  /** What a plugin process has taken out, by names of upstream and target. */
  readonly ejection: (upstream: string, target: string) => Ejection | undefined
}

/**
 * Reads every node of Kong as it is now and says where a request would go.
 * @throws KongError when no node can be read
 */
export async function explain(sources: ExplainSources, request: ExplainedRequest): Promise<Explanation> {
  const read = await Promise.all(
    sources.nodes().map(async ({ url, admin, refusal }) => ({
      url,
      answer: refusal === null ? await readNode(admin, sources, request) : new Error(refusal),
    })),
  )
  const told = read.find(({ answer }) => !(answer instanceof Error))
  if (told === undefined) throw read[0]!.answer
  const answer = told.answer as NodeExplanation
  return {
    request: { method: request.method, url: request.url },
    node: told.url,
    ...answer,
    others: read
      .filter((each) => each !== told)
      .map(({ url, answer: other }) =>
        other instanceof Error
          ? { node: url, error: other.message, differences: [] }
          : { node: url, error: null, differences: explanationDifferences(answer, other) },
      ),
  }
}

type Claims = Pick<ExplainSources, 'services' | 'ejection'>

/** @returns the error that the node answered with, so that one does not hide what the others say */
async function readNode(
  admin: KongAdmin,
  sources: Claims,
  request: ExplainedRequest,
): Promise<NodeExplanation | Error> {
  try {
    const entities = await readLists(admin)
    const { route, beat, service, plugins, hint } = explainRequest(request, entities)
    const host = String(service?.fields.host ?? '')
    const upstream = entities.find(({ kind, name }) => kind === 'upstream' && name === host && host !== '')
    return {
      route,
      beat,
      service: service === null ? null : serviceOf(service, upstream),
      targets: upstream === undefined ? [] : await targetsOf(admin, sources, upstream),
      plugins,
      hint,
    }
  } catch (error) {
    if (error instanceof KongError) return error
    throw error
  }
}

function serviceOf(service: Entity, upstream: Entity | undefined): NonNullable<NodeExplanation['service']> {
  const { id, name, fields } = service
  return {
    id,
    name,
    host: String(fields.host ?? ''),
    enabled: fields.enabled !== false,
    upstream:
      upstream === undefined
        ? null
        : { name: upstream.name, algorithm: String(upstream.fields.algorithm ?? '') },
  }
}

async function targetsOf(
  admin: KongAdmin,
  { services, ejection }: Claims,
  upstream: Entity,
): Promise<readonly ExplainedTarget[]> {
  const [targets, health] = await Promise.all([
    readTargets(admin, upstream.id),
    readTargetHealth(admin, upstream.id),
  ])
  const reports = services()
  return targets
    .map((target): ExplainedTarget => {
      const weight = Number(target.fields.weight ?? 0)
      const known = knownInstance(reports, upstream.owner, target.name)
      const mark = health?.get(target.name) ?? ''
      return {
        target: target.name,
        instance: known?.instance.id ?? null,
        weight,
        in: weight > 0 && !isMarkedOut(mark),
        reason: targetReason({
          ...{ weight, mark },
          ...{ tags: target.tags, owner: upstream.owner },
          instance: known?.instance,
          shareOf: known === undefined ? undefined : shareOf(known.service, upstream),
          ejection: ejection(upstream.name, target.name),
          addressesOut: addressesOf(target.name, health).flatMap(({ instance, address, mark }) =>
            isMarkedOut(mark) ? [{ address, ejection: ejection(upstream.name, instance) }] : [],
          ),
        }),
      }
    })
    .sort((left, right) => (left.target < right.target ? -1 : 1))
}

/** Of a target that is a host name; none of another. */
const addressesOf = (name: string, health: ReadonlyMap<string, string> | null) =>
  [...(health ?? [])].flatMap(([instance, mark]) => {
    const { target, address } = placeOf(instance)
    return target === name && address !== null ? [{ instance, address, mark }] : []
  })

interface KnownInstance {
  readonly service: string
  readonly instance: ServiceReport['instances'][number]
}

/** Splits and failovers have targets of other services; one of the service itself goes before those. */
function knownInstance(
  reports: readonly ServiceReport[],
  owner: string,
  target: string,
): KnownInstance | undefined {
  const own = reports.filter(({ service }) => service === owner)
  for (const { service, instances } of [...own, ...reports]) {
    const instance = instances.find((each) => each.target === target)
    if (instance !== undefined) return { service, instance }
  }
  return undefined
}

/** Only an upstream of the service itself has the weights that its instances have. */
function shareOf(service: string, { owner, name }: Entity): string | undefined {
  if (service !== owner) return service
  return name === upstreamName(owner) ? undefined : ''
}
