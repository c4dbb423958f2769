// Where Kong sends a request by the state it is given: the dev gateway's own router, then the weights of the upstream.
import { escapePath, normalisePath, toBytes } from '../../../kong/gateway/router/normalise-path.ts'
import { Router } from '../../../kong/gateway/router/router.ts'
import type { Entity, KongState } from '../../../operator/core/entity.ts'
import type { Asked } from './interpret-chain.ts'

export interface KongOutcome {
  readonly route: string
  /** Parts by `host:port`; they add up to 1. */
  readonly parts: ReadonlyMap<string, number>
  readonly path: string
}

export function kongRouter(state: KongState): Router {
  const router = new Router()
  for (const route of state.values()) {
    if (route.kind !== 'route') continue
    router.set(row(route), row(state.get(`service/${route.parent}`)!))
  }
  return router
}

/** null: no route. */
export function kongOutcome(
  state: KongState,
  router: Router,
  { method, path, headers }: Asked,
  host: string,
): KongOutcome | null {
  const match = router.match({
    method,
    path: normalisePath(path),
    host,
    scheme: 'http',
    port: 80,
    header: (name) => (headers[name] === undefined ? undefined : [headers[name]]),
  })
  if (match === null) return null
  const service = state.get(`service/${match.service!.id}`)!
  const upstream = [...state.values()].find(
    ({ kind, name }) => kind === 'upstream' && name === service.fields.host,
  )
  const targets = [...state.values()].filter(
    ({ kind, parent }) => kind === 'target' && parent === upstream?.id,
  )
  const total = targets.reduce((sum, { fields }) => sum + Number(fields.weight), 0)
  const serving = targets.filter(({ fields }) => Number(fields.weight) > 0)
  const group = /\$\(uri_captures\['(\w+)'\]\)/.exec(
    String(transformerOf(state, service)?.['config.replace.uri']),
  )
  return {
    route: match.route.name!,
    parts: new Map(serving.map(({ name, fields }) => [name, Number(fields.weight) / total])),
    path: escapePath(group === null ? match.upstreamPath : toBytes(match.captures![group[1]!]!)),
  }
}

const transformerOf = (state: KongState, service: Entity) =>
  [...state.values()].find(({ name, parent }) => name === 'request-transformer' && parent === service.id)
    ?.fields

// biome-ignore lint/suspicious/noExplicitAny: an entity's fields are the row
const row = ({ id, name, fields }: Entity): any => ({ ...fields, id, name })
