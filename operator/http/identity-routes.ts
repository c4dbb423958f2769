import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { credentialKey } from '../core/intentions/caller-entities.ts'
import type { Identity } from '../core/intentions/identities.ts'
import { durationMs } from '../core/pause.ts'
import type { IdentityBook, Issued, IssueWish } from '../sync/identity-book.ts'
import { answeringForConsul } from './consul-answers.ts'
import { endpoint, V2 } from './endpoint.ts'
import { serviceField } from './read-fields.ts'

const PATH = `${V2}/identities`

/** `/identities`: keys by which calling services are known. The private key is in the answer that made it, and nowhere else. */
export const identityRoutes =
  (book: Pick<IdentityBook, 'list' | 'issue' | 'rotate' | 'revoke'>) =>
  (app: FastifyInstance): void => {
    endpoint(app, {
      method: 'GET',
      path: PATH,
      summary: 'Keys by which calling services are known; public ones only.',
      door: 'read',
      query: { service: serviceField.optional() },
      answer: z.object({ identities: z.array(IDENTITY), total: z.int() }),
      handle: ({ query: { service } }) => {
        const identities = book.list(service).map(shown)
        return { identities, total: identities.length }
      },
    })
    endpoint(app, {
      method: 'POST',
      path: PATH,
      summary:
        'Gives a calling service an identity. Without public_key a pair is made, and the private key told this once.',
      door: 'write',
      body: BODY,
      answer: ISSUED,
      errors: [409, 502, 503],
      example: { body: { service: 'web', by: 'ada' } },
      handle: async ({ body }) => issued(await answeringForConsul(() => book.issue(wishOf(body)))),
    })
    endpoint(app, {
      method: 'POST',
      path: `${PATH}/rotate`,
      summary:
        'A new key for a calling service; the ones there were stay valid for `grace` (intentions.graceSeconds).',
      door: 'write',
      body: { ...BODY, grace: GRACE.optional() },
      answer: ISSUED,
      errors: [404, 409, 502, 503],
      example: { body: { service: 'web', grace: '1h', by: 'ada' } },
      handle: async ({ body: { grace, ...body } }) => {
        const graceMs = grace === '0s' ? 0 : msOf(grace)
        return issued(await answeringForConsul(() => book.rotate(wishOf(body), graceMs)))
      },
    })
    endpoint(app, {
      method: 'DELETE',
      path: `${PATH}/:service`,
      summary: 'Takes a key, or all keys, of a calling service away, at once.',
      door: 'write',
      params: { service: serviceField },
      query: { kid: KID.optional() },
      answer: z.object({ revoked: z.array(IDENTITY), total: z.int() }),
      errors: [404, 502, 503],
      example: { params: { service: 'web' } },
      handle: async ({ params: { service }, query: { kid = null } }) => {
        const revoked = (await answeringForConsul(() => book.revoke(service, kid))).map(shown)
        return { revoked, total: revoked.length }
      },
    })
  }

const KID = z.string().regex(/^[a-z0-9-]{1,64}$/, 'must be 1 to 64 of a-z, 0-9 and -')

const DURATION = z
  .string()
  .refine((text) => durationMs(text) !== null, 'must be a duration above 0 like 90s, 30m, 12h or 30d')
const GRACE = z.union([z.literal('0s'), DURATION], {
  error: 'must be 0s, or a duration like 90s, 30m or 12h',
})

const BODY = {
  service: serviceField,
  method: z.enum(['jwt', 'key-auth']).optional(),
  public_key: z.string().max(4_096).optional(),
  lasts: DURATION.optional(),
  by: z.string().max(200).optional(),
}

const IDENTITY = z.looseObject({
  service: z.string(),
  kid: z.string(),
  iss: z.string(),
  created: z.string(),
  expires: z.string().nullable(),
})

const ISSUED = z.looseObject({
  ...IDENTITY.shape,
  private_key: z.string().nullable(),
  key: z.string().nullable(),
  in_kong: z.boolean(),
})

type Body = z.infer<z.ZodObject<typeof BODY>>

const wishOf = ({ service, method = 'jwt', public_key: publicKey, by = 'api', lasts }: Body): IssueWish => ({
  service,
  method,
  publicKey: publicKey ?? null,
  by,
  lastsMs: msOf(lasts),
})

const msOf = (text: string | undefined): number | null => (text === undefined ? null : durationMs(text))

const iso = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString())

function shown({ service, kid, method, publicKey, createdMs, expiresMs, by }: Identity) {
  const iss = credentialKey(service, kid)
  const times = { created: new Date(createdMs).toISOString(), expires: iso(expiresMs) }
  return { service, kid, iss, method, public_key: publicKey, ...times, by }
}

const issued = ({ identity, privateKey, apiKey, isInKong }: Issued) => ({
  ...shown(identity),
  private_key: privateKey,
  key: apiKey,
  in_kong: isInKong,
})
