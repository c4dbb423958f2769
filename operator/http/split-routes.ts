import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { isAskable } from '../consul/askable-name.ts'
import type { SplitEditor } from '../sync/split-editor.ts'
import { answeringForConsul } from './consul-answers.ts'
import { endpoint, V2 } from './endpoint.ts'
import { serviceField } from './read-fields.ts'
import { notReadYet } from './request-error.ts'

const legShape = z.object({ service: z.string(), subset: z.string().nullable(), weight: z.number() })

export const splitsShape = z.object({
  splits: z.array(
    z.object({
      service: z.string(),
      index: z.number().meta({ description: 'ModifyIndex of the entry in Consul' }),
      legs: z.array(legShape),
    }),
  ),
  total: z.int(),
})

const SERVICE = serviceField.max(512).refine(isAskable, 'is no name that Consul can be asked for')
const PREVIEW = z.enum(['true', 'false'], 'must be true or false').transform((told) => told === 'true')
const LEG = z.strictObject({
  service: SERVICE.optional(),
  subset: z.string('must be the name of a subset').max(512).nullable().optional(),
  weight: z.number('must be a number from 0 to 100').min(0, 'must be 0 to 100').max(100, 'must be 0 to 100'),
})

/** `GET /splits`, `POST /configure/split`: weights of the legs of Consul's service-splitter entries. */
export const splitRoutes =
  (splits: Pick<SplitEditor, 'list' | 'preview' | 'change'>) =>
  (app: FastifyInstance): void => {
    endpoint(app, {
      method: 'GET',
      path: `${V2}/splits`,
      summary: 'Service-splitter entries that are followed, each leg with its weight in percent.',
      door: 'read',
      query: { service: serviceField.optional() },
      answer: splitsShape,
      errors: [503],
      handle: ({ query: { service } }) => {
        const found = splits.list(service ?? null)
        if (found === null) throw notReadYet()
        return { splits: found, total: found.length }
      },
    })
    endpoint(app, {
      method: 'POST',
      path: `${V2}/configure/split`,
      summary:
        'Sets weights of the legs of a service-splitter, over what Consul holds and nothing else of it; legs that are ' +
        'not named keep theirs, all must add up to 100. With index only if the entry is still that one. With ' +
        'preview=true nothing is written, and the answer says what would change in Kong.',
      door: 'write',
      query: { preview: PREVIEW.optional() },
      body: {
        service: SERVICE,
        legs: z.array(LEG, 'must be a list of legs').min(1, 'must name at least one leg').max(100),
        index: z.int('must be a whole number').nonnegative('must not be negative').optional(),
      },
      answer: z.object({
        status: z.enum(['configured', 'preview']),
        service: z.string(),
        legs: z.array(legShape),
        changes: z.array(z.looseObject({})).optional().meta({ description: 'of a preview, as in /changes' }),
        total: z.int().optional(),
      }),
      errors: [404, 409, 502, 503],
      example: {
        body: {
          service: 'web',
          legs: [
            { subset: 'v1', weight: 80 },
            { subset: 'v2', weight: 20 },
          ],
        },
      },
      handle: async ({ query: { preview }, body }) => {
        const { service } = body
        if (preview === true) {
          const { legs, changes, total } = await answeringForConsul(() => splits.preview(body))
          return { status: 'preview', service, legs, changes, total }
        }
        const legs = await answeringForConsul(() => splits.change(body))
        return { status: 'configured', service, legs }
      },
    })
  }
