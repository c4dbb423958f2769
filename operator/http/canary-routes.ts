import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { isAskable } from '../consul/askable-name.ts'
import { withLastStep } from '../core/canary/canary.ts'
import { durationMs } from '../core/pause.ts'
import type { CanaryRunner } from '../sync/canary-runner.ts'
import { canaryShape } from '../sync/canary-view.ts'
import { answeringForConsul } from './consul-answers.ts'
import { endpoint, V2 } from './endpoint.ts'
import { serviceField } from './read-fields.ts'

const SERVICE = serviceField.max(512).refine(isAskable, 'is no name that Consul can be asked for')
const STEP = 'must be percents above 0 and up to 100, in hundredths at most'
const RISING = 'must rise'
const DURATION = 'must be a duration like 90s, 30m, 1h30m or 2d'
const LONGEST_MS = 7 * 86_400_000
const number = (least: number, most: number) =>
  z
    .number(`must be a number from ${least} to ${most}`)
    .min(least, `must be ${least} to ${most}`)
    .max(most, `must be ${least} to ${most}`)

const isHundredths = (step: number): boolean =>
  step > 0 && Math.abs(step * 100 - Math.round(step * 100)) < 1e-6

const START = {
  service: SERVICE,
  to: z.string('must be the name of a subset').min(1, 'must be the name of a subset').max(512),
  steps: z
    .array(z.number(STEP).max(100, STEP).refine(isHundredths, STEP), 'must be a list of percents')
    .min(1, 'must name at least one step')
    .max(100, 'must be at most 100 steps')
    .refine((steps) => steps.every((step, at) => at === 0 || step > steps[at - 1]!), RISING)
    .optional(),
  every: z
    .string(DURATION)
    .refine((text) => durationMs(text) !== null, DURATION)
    .refine((text) => (durationMs(text) ?? 0) <= LONGEST_MS, 'must be at most 7d')
    .optional(),
  max_error_rate: number(0, 100).optional(),
  max_p95: number(1, 3_600_000).nullable().optional(),
  min_requests: z.int('must be a whole number').min(1, 'must be 1 or more').max(1_000_000).optional(),
  create_defaults: z.boolean('must be true or false').optional(),
  by: z.string().max(200).optional(),
}
const END = { by: z.string().max(200).optional(), reason: z.string().max(500).optional() }
const ERRORS = [404, 409, 502, 503]

/** What a canary does unless said: a tenth, half and all of the requests. */
const STEPS = [10, 50, 100]
const EVERY_MS = 120_000

/** `GET /canaries`; `POST /canaries` begins one, `/canaries/{service}/promote` and `/abort` end it. */
export const canaryRoutes =
  (canaries: Pick<CanaryRunner, 'list' | 'start' | 'end'>) =>
  (app: FastifyInstance): void => {
    endpoint(app, {
      method: 'GET',
      path: `${V2}/canaries`,
      summary: 'Canaries: those that go on, and the last one of each service.',
      door: 'read',
      query: { service: serviceField.optional() },
      answer: z.object({ canaries: z.array(canaryShape), total: z.int() }),
      handle: ({ query: { service } }) => {
        const found = [...canaries.list(service ?? null)]
        return { canaries: found, total: found.length }
      },
    })
    endpoint(app, {
      method: 'POST',
      path: `${V2}/canaries`,
      summary:
        'Begins a canary: the service-splitter is moved to a subset step by step while its requests are good, and back ' +
        'by itself when they are not. Defaults: steps 10, 50, 100, every 2m, max_error_rate 1, no max_p95, min_requests 20.',
      door: 'write',
      body: START,
      answer: canaryShape,
      errors: ERRORS,
      example: {
        body: {
          service: 'web',
          to: 'v2',
          steps: [5, 25, 50, 100],
          every: '2m',
          max_error_rate: 1,
          max_p95: 400,
        },
      },
      handle: ({ body }) => {
        const { service, to, steps = STEPS, every, by = 'api' } = body
        const { max_error_rate: maxErrorRate = 1, max_p95: maxP95Ms = null } = body
        const { min_requests: minRequests = 20, create_defaults: createDefaults = false } = body
        const everyMs = every === undefined ? EVERY_MS : durationMs(every)!
        const limits = { everyMs, maxErrorRate, maxP95Ms, minRequests }
        return answeringForConsul(() =>
          canaries.start({ service, to, steps: withLastStep(steps), ...limits, createDefaults, by }),
        )
      },
    })
    for (const [word, how, what] of [
      ['promote', 'promoted', 'Gives the subset all requests now, whatever its step.'],
      ['abort', 'aborted', 'Ends a canary: the splitter becomes what it was before.'],
    ] as const) {
      endpoint(app, {
        method: 'POST',
        path: `${V2}/canaries/:service/${word}`,
        summary: what,
        door: 'write',
        params: { service: SERVICE },
        body: END,
        answer: canaryShape,
        errors: ERRORS,
        example: { params: { service: 'web' }, body: { by: 'ada' } },
        handle: ({ params: { service }, body: { by = 'api', reason = '' } }) =>
          answeringForConsul(() =>
            canaries.end(service, how, reason === '' ? `by ${by}` : `${reason} (by ${by})`),
          ),
      })
    }
  }
