import { acl } from './acl.ts'
import { correlationId } from './correlation-id.ts'
import { cors } from './cors.ts'
import { ipRestriction } from './ip-restriction.ts'
import { jwt } from './jwt.ts'
import { keyAuth } from './key-auth.ts'
import type { Plugin } from './plugin.ts'
import { rateLimiting } from './rate-limiting.ts'
import { requestSizeLimiting } from './request-size-limiting.ts'
import { requestTermination } from './request-termination.ts'
import { requestTransformer } from './request-transformer.ts'
import { responseTransformer } from './response-transformer.ts'

/** The plugins this gateway runs itself. A configured plugin that is not among them does nothing. */
export const BUNDLED_PLUGINS: readonly Plugin[] = [
  correlationId,
  cors,
  jwt,
  keyAuth,
  ipRestriction,
  requestSizeLimiting,
  acl,
  rateLimiting,
  requestTransformer,
  responseTransformer,
  requestTermination,
] as readonly Plugin[]
