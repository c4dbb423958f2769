import { MAX_HEADERS, type RequestHeaders } from '../propagation/request-headers.ts'

/**
 * Names, among those a client sent, by which Kong tells an upstream who calls. Only Kong may say that: its plugins for
 * authentication overwrite what came in, but on routes that have none it would go on as it is. They run later than
 * mesh-tracing, so what is taken off here is never theirs. Of more headers than Kong tells of, the rest goes on
 * unseen: then all that Kong is known to write is taken off.
 */
export function identityHeaders(headers: RequestHeaders): readonly string[] {
  let found: string[] | null = null
  let count = 0
  for (const name in headers) {
    const value = headers[name]
    count += Array.isArray(value) ? value.length : 1
    // Almost no other header begins so: the rest costs nothing.
    if (name.charCodeAt(0) !== X || !isIdentity(name)) continue
    found ??= []
    found.push(name)
  }
  if (count >= MAX_HEADERS) return [...new Set([...(found ?? NONE), ...WRITTEN])]
  return found ?? NONE
}

const X = 0x78
const NONE: readonly string[] = []

/** With `_` for `-` as well: nginx lets it pass, and CGI, WSGI and their like take both for the same name. */
const IDENTITY = /^x[-_](?:consumer[-_]|credential[-_]|anonymous[-_]consumer$|authenticated[-_]groups$)/

const isIdentity = (name: string): boolean => IDENTITY.test(name)

/** What Kong 3.9 writes (constants.HEADERS and the plugins that set consumers), each in every way to write it. */
const WRITTEN: readonly string[] = [
  'x-consumer-id',
  'x-consumer-custom-id',
  'x-consumer-username',
  'x-consumer-groups',
  'x-credential-identifier',
  'x-anonymous-consumer',
  'x-authenticated-groups',
].flatMap(spellings)

/** `-` and `_` in each place: 'x-a' and 'x_a'. */
function spellings(name: string): readonly string[] {
  const [first = '', ...rest] = name.split('-')
  return rest.reduce<readonly string[]>(
    (made, part) => made.flatMap((each) => [`${each}-${part}`, `${each}_${part}`]),
    [first],
  )
}
