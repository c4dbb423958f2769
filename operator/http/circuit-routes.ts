import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { MODES } from '../../plugins/breaker/settings-shape.ts'
import type { CircuitRow } from '../sync/list-circuits.ts'
import { answeringForConsul } from './consul-answers.ts'
import { readFields, serviceField } from './read-fields.ts'
import { RequestError } from './request-error.ts'

export interface CircuitSource {
  readonly list: () => readonly CircuitRow[]
  /** Plugin processes that have told of themselves within the last 15 s, by the Kong node they serve. */
  readonly processes: () => readonly { readonly node: string; readonly told_at: string }[]
  readonly knows: (service: string) => boolean
  readonly setMode: (service: string, mode: string) => Promise<void>
  /** What a person has set on the plugin in Kong, which KV does not change; null for nothing. */
  readonly modeByHand: (service: string) => string | null
}

const PATH = '/api/v1/mesh/v2/circuits'

/** `GET /circuits`: of every plugin process. `PUT /circuits/{service}` {mode}: writes KV, for all Kongs and operators. */
export const circuitRoutes =
  (source: CircuitSource) =>
  (app: FastifyInstance): void => {
    app.get(PATH, async (request) => {
      readFields({}, request.query)
      const circuits = source.list()
      return { circuits, total: circuits.length, processes: source.processes() }
    })
    app.put(`${PATH}/:service`, async (request) => {
      const { service } = readFields({ service: serviceField }, request.params)
      const { mode } = readFields(BODY, request.body)
      if (!source.knows(service)) throw new RequestError(404, `service ${service} is not in the catalog`)
      await answeringForConsul(() => source.setMode(service, mode))
      return { service, mode, overridden_by: source.modeByHand(service) }
    })
  }

const BODY = { mode: z.enum(MODES, `must be one of ${MODES.join(', ')}`) }
