import { acl } from './acl.ts'
import { correlationId } from './correlation-id.ts'
import { ipRestriction } from './ip-restriction.ts'
import { keyAuth } from './key-auth.ts'
import type { Plugin } from './plugin.ts'
import { requestTermination } from './request-termination.ts'

/** The plugins this gateway runs itself. A configured plugin that is not among them does nothing. */
export const BUNDLED_PLUGINS: readonly Plugin[] = [
  correlationId,
  keyAuth,
  ipRestriction,
  acl,
  requestTermination,
] as readonly Plugin[]
