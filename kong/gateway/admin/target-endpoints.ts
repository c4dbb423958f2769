/** Targets below their upstream: newest first, found by id or `host:port`; their health, and marks set by hand. */

import type { BalancerHealth } from '../balancer/health.ts'
import { formatTarget } from '../schema/address.ts'
import { UUID } from '../schema/validators.ts'
import type { Row } from '../store.ts'
import { type Answer, message, noContent, notFound, ok, Refusal } from './answer.ts'
import type { Entities } from './entity-endpoints.ts'
import { listArguments, type Page, pageBody, positionArguments, takePage } from './page.ts'
import { type AdminRequest, inputOf, param } from './request.ts'
import type { Endpoint } from './routing.ts'

/** To be added after those of `entityEndpoints`, which they replace. */
export function targetEndpoints(entities: Entities, balancers: BalancerHealth, nodeId: string): Endpoint[] {
  const { db, access, keys } = entities
  const upstream = (request: AdminRequest): Row => {
    const row = access.upstreams.select(keys.upstreams(request))
    if (row) return row
    throw new Refusal(notFound())
  }
  const target = (request: AdminRequest): { owner: Row; row: Row } => {
    const owner = upstream(request)
    const text = param(request, 'targets')
    const row = UUID.test(text)
      ? db.store.get('targets', text.toLowerCase())
      : newestFirst(db.store.children('targets', 'upstream', owner.id)).find(
          (candidate) => candidate['target'] === text,
        )
    if (!row || (row['upstream'] as { id: string }).id !== owner.id) throw new Refusal(notFound())
    return { owner, row }
  }
  const page = (request: AdminRequest, owner: Row): Page<Row> =>
    pageOf(newestFirst(db.store.children('targets', 'upstream', owner.id)), request)
  const update = (request: AdminRequest): Answer => {
    const { row } = target(request)
    return ok(access.targets.update({ id: row.id }, inputOf(db, request, 'targets')))
  }
  const mark =
    (isHealthy: boolean) =>
    (request: AdminRequest): Answer => {
      const { owner, row } = target(request)
      // Kong takes it as it was sent: an escape in it is an error of its own.
      const address = request.params['address'] ?? null
      if (address !== null && formatTarget(address) === undefined)
        return message(500, 'An unexpected error occurred')
      const name = String(owner['name'])
      switch (balancers.mark(owner.id, String(row['target']), address, isHealthy)) {
        case 'ok':
          return noContent()
        case 'no balancer':
          return message(400, `Upstream ${name} has no balancer`)
        case 'no healthchecker':
          return message(400, `no healthchecker found for ${name}`)
        default:
          return message(400, `target not found`)
      }
    }
  const path = '/upstreams/{upstreams}/targets'
  return [
    {
      path: '/upstreams/{upstreams}/health',
      methods: {
        GET: (request) => {
          const owner = upstream(request)
          if (request.query['balancer_health'] === '1') {
            return ok({ data: balancers.balancerHealth(owner.id), next: null, node_id: nodeId })
          }
          const { rows, ...rest } = page(request, owner)
          const health = balancers.health(owner.id)
          const shown = rows.map((row) => ({ ...row, ...(health ? (health.get(row.id) ?? NO_ADDRESS) : {}) }))
          const body = pageBody({ rows: shown, ...rest }, `/upstreams/${request.params['upstreams']}/health`)
          return ok({ ...body, node_id: nodeId })
        },
      },
    },
    {
      path,
      methods: {
        GET: (request) =>
          ok(pageBody(page(request, upstream(request)), `/upstreams/${request.params['upstreams']}/targets`)),
        POST: (request) => {
          const { id } = upstream(request)
          const input = { ...inputOf(db, request, 'targets'), upstream: { id } }
          return { status: 201, json: access.targets.insert(input) }
        },
      },
    },
    {
      path: `${path}/all`,
      methods: {
        GET: (request) => {
          const { id } = upstream(request)
          const { size, after } = listArguments(request)
          const rows = takePage(db.store.children('targets', 'upstream', id, after), size)
          return ok(pageBody(rows, `/upstreams/${request.params['upstreams']}/targets/all`))
        },
      },
    },
    {
      path: `${path}/{targets}`,
      methods: {
        GET: (request) => ok(target(request).row),
        PUT: update,
        PATCH: update,
        DELETE: (request) => {
          access.targets.remove({ id: target(request).row.id })
          return noContent()
        },
      },
    },
    { path: `${path}/{targets}/healthy`, methods: { PUT: mark(true) } },
    { path: `${path}/{targets}/unhealthy`, methods: { PUT: mark(false) } },
    { path: `${path}/{targets}/{address}/healthy`, methods: { PUT: mark(true) } },
    { path: `${path}/{targets}/{address}/unhealthy`, methods: { PUT: mark(false) } },
  ]
}

/** A target the balancer knows nothing of has not resolved. */
const NO_ADDRESS = { health: 'DNS_ERROR' }

const newestFirst = (rows: Iterable<Row>): Row[] =>
  [...rows].sort((a, b) => b.created_at - a.created_at || (a.id < b.id ? 1 : -1))

/** These pages count positions instead of naming the last id. */
function pageOf(rows: readonly Row[], request: AdminRequest): Page<Row> {
  const { size, start } = positionArguments(request)
  const next = start + size
  const taken = rows.slice(start, next)
  return rows.length > next ? { rows: taken, offset: String(next) } : { rows: taken }
}
