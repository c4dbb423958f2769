import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { bodyShape, CONFIGURABLE, type Configurable, type Given, queryShape } from '../api/configure.ts'
import { configurationShape } from '../api/explain-settings.ts'
import { isAskable } from '../consul/askable-name.ts'
import type { Configurator } from '../sync/configurator.ts'
import { answeringForConsul } from './consul-answers.ts'
import { endpoint, V2 } from './endpoint.ts'
import { flag, serviceField } from './read-fields.ts'
import { invalidField, notReadYet } from './request-error.ts'

/** `POST /configure/*` {...parameters, service?}: writes Consul's KV. `GET /configure`: what is in force, and why. */
export const configureRoutes =
  (configurator: Pick<Configurator, 'configure' | 'preview' | 'effective'>) =>
  (app: FastifyInstance): void => {
    for (const what of Object.keys(CONFIGURABLE) as Configurable[]) addConfigure(app, configurator, what)
    endpoint(app, {
      method: 'GET',
      path: `${V2}/configure`,
      summary: 'Effective settings of every service, each value with where it comes from.',
      door: 'read',
      query: { service: serviceField.optional() },
      answer: configurationShape,
      errors: [404, 503],
      handle: ({ query: { service } }) => {
        const found = configurator.effective(service ?? null)
        if (found === null) throw notReadYet()
        return found
      },
    })
  }

/** Part of a key in KV: what Consul would take for a step in a path is nobody's name. */
const SERVICE = serviceField.max(512).refine(isAskable, 'is no name that Consul can be asked for')

function addConfigure(
  app: FastifyInstance,
  configurator: Pick<Configurator, 'configure' | 'preview'>,
  what: Configurable,
): void {
  const parameters = CONFIGURABLE[what]
  const names = parameters.map(({ name }) => name)
  endpoint(app, {
    method: 'POST',
    path: `${V2}/configure/${what}`,
    summary:
      `Sets ${names.join(', ')} of a service, or of all; in the query or a JSON body, where null takes one out. ` +
      'With preview=true nothing is written, and the answer says what would change in Kong.',
    door: 'write',
    query: { ...queryShape(parameters), service: SERVICE.optional(), preview: flag.optional() },
    body: { ...bodyShape(parameters), service: SERVICE.optional() },
    answer: z.looseObject({
      status: z.enum(['configured', 'preview']),
      changes: z.array(z.looseObject({})).optional().meta({ description: 'of a preview, as in /changes' }),
      total: z.int().optional(),
    }),
    errors: [409, 502, 503],
    example: EXAMPLES[what],
    handle: async ({ query, body }) => {
      const { preview, ...given } = query as Record<string, unknown>
      for (const [name, value] of Object.entries(body)) {
        if (given[name] !== undefined) throw invalidField(name, 'is in the query and in the body')
        given[name] = value
      }
      const { service, ...values } = given as { service?: string } & Given
      if (Object.values(values).every((value) => value === undefined)) {
        throw invalidField('body', `must name at least one of ${names.join(', ')}`)
      }
      for (const each of parameters as readonly { name: string; ofService?: true }[]) {
        if (each.ofService && service === undefined && values[each.name] !== undefined) {
          throw invalidField(each.name, 'is set for one service: name it')
        }
      }
      const told = service === undefined ? {} : { service }
      const asked = [what, service ?? null, values as Given] as const
      if (preview === true) {
        const { effective, ...changes } = await answeringForConsul(() => configurator.preview(...asked))
        return { status: 'preview', ...told, ...effective, ...changes }
      }
      const effective = await answeringForConsul(() => configurator.configure(...asked))
      return { status: 'configured', ...told, ...effective }
    },
  })
}

const EXAMPLES: Readonly<Record<Configurable, { query?: Record<string, string>; body?: object }>> = {
  'load-balancer': { query: { strategy: 'least_connections', service: 'web' } },
  'circuit-breaker': { body: { failure_threshold: 5, recovery_timeout: 30 } },
  'health-check': { body: { active: true, path: '/health', service: 'web' } },
  'rate-limit': { query: { minute: '600', limit_by: 'ip', service: 'web' } },
  tracing: { query: { sampling_rate: '0.1' } },
  faults: { body: { service: 'web', abort_percent: 5, until: '2030-01-31T12:00:00Z' } },
  routing: { body: { hosts: ['shop.example.com'], service: 'web' } },
}
