import type { ServiceReport } from '../core/desired.ts'
import type { Entity } from '../core/entity.ts'
import { type ExplainedRequest, explainRequest, type RouteExplanation } from '../core/explain-request.ts'
import { HEALTH_OVERRIDE, overriddenOf } from '../core/tags.ts'
import type { KongAdmin } from '../kong/kong-admin.ts'
import { readTargetHealth } from '../kong/marks.ts'
import { readLists, readTargets } from '../kong/read-state.ts'

export interface Explanation {
  readonly request: { readonly method: string; readonly url: string }
  readonly route: RouteExplanation['route']
  readonly beat: RouteExplanation['beat']
  readonly service: {
    readonly id: string
    readonly name: string
    readonly host: string
    readonly enabled: boolean
    readonly upstream: { readonly name: string; readonly algorithm: string } | null
  } | null
  readonly targets: readonly ExplainedTarget[]
  readonly plugins: RouteExplanation['plugins']
}

export interface ExplainedTarget {
  readonly target: string
  /** Consul service id; null for a target that Consul does not know. */
  readonly instance: string | null
  readonly weight: number
  readonly in: boolean
  readonly reason: string
}

export interface ExplainSources {
  /** Of a Kong that can be read. */
  readonly admin: () => KongAdmin
  readonly services: () => readonly ServiceReport[]
}

/**
 * Reads Kong as it is now and says where a request would go.
 * @throws KongError
 */
export async function explain(sources: ExplainSources, request: ExplainedRequest): Promise<Explanation> {
  const admin = sources.admin()
  const entities = await readLists(admin)
  const { route, beat, service, plugins } = explainRequest(request, entities)
  const host = String(service?.fields.host ?? '')
  const upstream = entities.find(({ kind, name }) => kind === 'upstream' && name === host && host !== '')
  return {
    request: { method: request.method, url: request.url },
    route,
    beat,
    service: service === null ? null : serviceOf(service, upstream),
    targets: upstream === undefined ? [] : await targetsOf(admin, sources.services, upstream),
    plugins,
  }
}

function serviceOf(service: Entity, upstream: Entity | undefined): NonNullable<Explanation['service']> {
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
  services: ExplainSources['services'],
  upstream: Entity,
): Promise<readonly ExplainedTarget[]> {
  const [targets, health] = await Promise.all([
    readTargets(admin, upstream.id),
    readTargetHealth(admin, upstream.id),
  ])
  const report = services().find(({ service }) => service === upstream.owner)
  return targets
    .map((target): ExplainedTarget => {
      const weight = Number(target.fields.weight ?? 0)
      const instance = report?.instances.find((each) => each.target === target.name)
      const mark = health?.get(target.name) ?? ''
      const isMarked = weight > 0 && (mark === 'UNHEALTHY' || mark === 'DNS_ERROR')
      return {
        target: target.name,
        instance: instance?.id ?? null,
        weight,
        in: weight > 0 && !isMarked,
        reason: isMarked ? markReason(target, mark) : weightReason(weight, instance, upstream.owner),
      }
    })
    .sort((left, right) => (left.target < right.target ? -1 : 1))
}

function markReason({ tags }: Entity, mark: string): string {
  if (mark === 'DNS_ERROR') return 'Kong cannot resolve its name'
  if (overriddenOf(tags).has(HEALTH_OVERRIDE)) return 'kept out by hand (tag kongsul.override:health)'
  return 'marked unhealthy in Kong; taken back after healthChecks.passive.recoverSeconds'
}

function weightReason(
  weight: number,
  instance: ServiceReport['instances'][number] | undefined,
  owner: string,
): string {
  if (owner === '') return 'not managed by kongsul'
  if (instance === undefined) return 'not in Consul (any more)'
  const said = instance.reason === '' ? instance.health : `${instance.health}: ${instance.reason}`
  return weight === instance.weight ? said : `${said}; Consul wants weight ${instance.weight}`
}
