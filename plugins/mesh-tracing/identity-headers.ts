import type { RequestHeaders } from '../propagation/request-headers.ts'

/**
 * Names, among those a client sent, by which Kong tells an upstream who calls. Only Kong may say that: its plugins for
 * authentication overwrite what came in, but on routes that have none it would go on as it is. They run later than
 * mesh-tracing, so what is taken off here is never theirs.
 */
export function identityHeaders(headers: RequestHeaders): readonly string[] {
  let found: string[] | null = null
  for (const name in headers) {
    // Almost no other header begins so: the rest costs nothing.
    if (name.charCodeAt(0) !== X || !isIdentity(name)) continue
    found ??= []
    found.push(name)
  }
  return found ?? NONE
}

const X = 0x78
const NONE: readonly string[] = []

/** With `_` for `-` as well: nginx lets it pass, and CGI, WSGI and their like take both for the same name. */
const IDENTITY = /^x[-_](?:consumer[-_]|credential[-_]|anonymous[-_]consumer$|authenticated[-_]groups$)/

const isIdentity = (name: string): boolean => IDENTITY.test(name)
