import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { MODES } from '../../plugins/breaker/settings-shape.ts'
import type { FromKong } from '../sync/circuit-book.ts'
import type { CircuitRow } from '../sync/list-circuits.ts'
import { answeringForConsul } from './consul-answers.ts'
import { endpoint, V2 } from './endpoint.ts'
import { flag, serviceField } from './read-fields.ts'
import { unknownService } from './unknown-service.ts'

export interface CircuitSource {
  readonly list: () => readonly CircuitRow[]
  /** Plugin processes that have told of themselves within the last 15 s, by the Kong node they serve. */
  readonly processes: () => readonly {
    readonly node: string
    readonly told_at: string
    /** null where it is older than telling it. */
    readonly version: string | null
    /** null where it is older than telling it. */
    readonly from_kong: FromKong | null
  }[]
  readonly knows: (service: string) => boolean
  /** Those in the catalog. */
  readonly services: () => Iterable<string>
  readonly setMode: (service: string, mode: string) => Promise<void>
  /** What a person has set on the plugin in Kong, which KV does not change; null for nothing. */
  readonly modeByHand: (service: string) => string | null
}

const PATH = `${V2}/circuits`

/** `GET /circuits`: of every plugin process. `PUT /circuits/{service}` {mode}: writes KV, for all Kongs and operators. */
export const circuitRoutes =
  (source: CircuitSource) =>
  (app: FastifyInstance): void => {
    endpoint(app, {
      method: 'GET',
      path: PATH,
      summary:
        'Circuits of services and instances as the plugin processes tell them; of one service, or with open=true ' +
        'only those that are not closed.',
      door: 'read',
      query: QUERY,
      answer: z.object({
        circuits: z.array(z.looseObject({ kind: z.string(), state: z.string() })),
        total: z.int(),
        processes: z.array(
          z.object({
            node: z.string(),
            told_at: z.iso.datetime(),
            version: z.string().nullable(),
            from_kong: z.object({ called: z.boolean(), unasked: z.number() }).nullable(),
          }),
        ),
      }),
      handle: ({ query: { service, open } }) => {
        const circuits = source
          .list()
          .filter((row) => service === undefined || row.service === service)
          .filter(({ state }) => open !== true || state !== 'closed')
        return { circuits, total: circuits.length, processes: source.processes() }
      },
    })
    endpoint(app, {
      method: 'PUT',
      path: `${PATH}/:service`,
      summary: 'Sets the mode of a service’s breaker in KV, for every Kong and operator.',
      door: 'write',
      params: { service: serviceField },
      body: BODY,
      answer: z.object({ service: z.string(), mode: z.enum(MODES), overridden_by: z.string().nullable() }),
      errors: [404, 409, 502, 503],
      example: { params: { service: 'web' }, body: { mode: 'forced_open' } },
      handle: async ({ params: { service }, body: { mode } }) => {
        if (!source.knows(service)) throw unknownService(service, source.services())
        await answeringForConsul(() => source.setMode(service, mode))
        return { service, mode, overridden_by: source.modeByHand(service) }
      },
    })
  }

const QUERY = {
  service: serviceField.optional(),
  open: flag.optional(),
}
const BODY = { mode: z.enum(MODES, `must be one of ${MODES.join(', ')}`) }
