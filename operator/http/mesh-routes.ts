import type { FastifyInstance } from 'fastify'
import { discoverShape } from '../api/discover.ts'
import type { DiscoveryCache } from '../api/discovery-cache.ts'
import { type ListedService, servicesShape } from '../api/list-services.ts'
import { type MeshHealth, meshHealthShape } from '../api/mesh-health.ts'
import { type Topology, topologyShape } from '../api/topology.ts'
import { answeringForConsul } from './consul-answers.ts'
import { endpoint, V2 } from './endpoint.ts'
import type { ReadyAnswer } from './quick-answers.ts'
import { flag, serviceField } from './read-fields.ts'
import { notReadYet } from './request-error.ts'

export interface MeshSource {
  /** null until Consul has been read. */
  readonly services: () => { readonly services: readonly ListedService[]; readonly total: number } | null
  readonly topology: () => Topology | null
  readonly health: () => MeshHealth | null
  readonly discovery: Pick<DiscoveryCache, 'discover'>
}

/** `GET /services`, `/topology`, `/health`, `/discover/{service}`: who is there, and how it is. */
export const meshRoutes =
  (source: MeshSource) =>
  (app: FastifyInstance): void => {
    endpoint(app, {
      method: 'GET',
      path: `${V2}/services`,
      summary: 'Every service of the catalog with counts.',
      door: 'read',
      answer: servicesShape,
      errors: [503],
      handle: () => known(source.services()),
    })
    endpoint(app, {
      method: 'GET',
      path: `${V2}/topology`,
      summary: 'Services, instances, their circuits, and who calls whom.',
      door: 'read',
      answer: topologyShape,
      errors: [503],
      handle: () => known(source.topology()),
    })
    endpoint(app, {
      method: 'GET',
      path: `${V2}/health`,
      summary: 'The mesh in one word and one number.',
      door: 'read',
      answer: meshHealthShape,
      errors: [503],
      handle: () => known(source.health()),
    })
    endpoint(app, {
      method: 'GET',
      path: `${V2}/discover/:service`,
      summary:
        'Instances of a service. use_cache=false asks Consul; while Consul is away the last answer is stale.',
      door: 'read',
      params: { service: serviceField },
      query: { use_cache: flag.optional() },
      answer: discoverShape,
      errors: [502, 503],
      example: { params: { service: 'web' }, query: { use_cache: 'true' } },
      handle: async ({ params: { service }, query: { use_cache: useCache = true }, reply }) => {
        reply.type('application/json; charset=utf-8')
        return await answeringForConsul(() => source.discovery.discover(service, useCache))
      },
    })
  }

/** `GET /discover/{service}` from the cache; null for a URL that is not plainly that, and where Consul has to be asked. */
export function readyDiscovery(discovery: Pick<DiscoveryCache, 'cached'>): ReadyAnswer {
  return (url) => {
    if (!url.startsWith(DISCOVER)) return null
    const service = url.slice(DISCOVER.length)
    return PLAIN_NAME.test(service) ? discovery.cached(service) : null
  }
}

const DISCOVER = `${V2}/discover/`
/** Nothing that would have to be decoded, and no query. */
const PLAIN_NAME = /^[A-Za-z0-9_-]{1,128}$/

function known<T>(answer: T | null): T {
  if (answer === null) throw notReadYet()
  return answer
}
