import type { RequestContext } from '../proxy/request-context.ts'
import type { Row } from '../store.ts'
import { type AuthenticationConfig, accessBy, identify } from './identify.ts'
import { claimErrors, isSignedWith, type JsonWebToken, readToken } from './json-web-token.ts'
import { type Exit, type Plugin, type PluginTools, refuse } from './plugin.ts'
import { queryArguments } from './query-arguments.ts'

interface JwtConfig extends AuthenticationConfig {
  readonly uri_param_names: readonly string[]
  readonly cookie_names: readonly string[]
  readonly header_names: readonly string[]
  readonly key_claim_name: string
  readonly secret_is_base64: boolean
  readonly claims_to_verify: readonly string[] | null
  readonly maximum_expiration: number
  readonly realm: string | null
}

/** Who calls, by a signed token. */
export const jwt: Plugin<JwtConfig> = {
  name: 'jwt',
  priority: 1450,
  access: accessBy(authenticate),
}

function authenticate(
  context: RequestContext,
  config: JwtConfig,
  { store, now }: PluginTools,
): Exit | undefined {
  const challenge = config.realm ? `Bearer realm="${config.realm}"` : 'Bearer'
  const bad = (json: unknown, value = `${challenge} error="invalid_token"`): Exit => ({
    status: 401,
    headers: { 'WWW-Authenticate': value },
    body: { json },
  })
  const [text, another] = [...tokensOf(context, config)]
  if (text === undefined) return bad({ message: 'Unauthorized' }, challenge)
  if (another !== undefined) return bad({ message: 'Multiple tokens provided' })
  const token = readToken(text)
  if (typeof token === 'string') return bad({ message: `Bad token; ${token}` })
  const name = config.key_claim_name
  const issuer = token.claims[name] || token.header[name]
  if (issuer === '') return bad({ message: `Invalid '${name}' in claims` })
  if (issuer === undefined || issuer === null || issuer === false)
    return bad({ message: `No mandatory '${name}' in claims` })
  const credential = store.find('jwt_secrets', 'key', String(issuer))
  if (!credential) return bad({ message: `No credentials found for given '${name}'` })
  if (token.header.alg !== credential.algorithm) return bad({ message: 'Invalid algorithm' })
  const key = keyOf(credential, config)
  if (!key) return bad({ message: 'Invalid key/secret' })
  const isSigned = isSigner(key, token)
  if (isSigned === null) return refuse(500, 'An unexpected error occurred')
  if (!isSigned) return bad({ message: 'Invalid signature' })
  const seconds = Math.floor(now() / 1000)
  const errors = claimErrors(token.claims, config.claims_to_verify ?? [], seconds)
  if (errors !== null) return bad(errors)
  if (!endsWithin(config.maximum_expiration, token, seconds))
    return bad({ exp: 'exceeds maximum allowed expiration' })
  identify(context, store, (credential.consumer as { id: string }).id, {
    id: credential.id,
    identifier: String(credential.key),
  })
  return undefined
}

/** All of them, each once: from the query, cookies and headers. */
function tokensOf(context: RequestContext, config: JwtConfig): ReadonlySet<string> {
  const found = new Set<string>()
  if (config.uri_param_names.length > 0) {
    const query = queryArguments(context.target.query)
    for (const name of config.uri_param_names)
      for (const value of query.get(name) ?? []) if (typeof value === 'string') found.add(value)
  }
  for (const name of config.cookie_names) {
    const cookie = cookieOf(context, name)
    if (cookie) found.add(cookie)
  }
  for (const name of config.header_names) {
    const token = /\s*[Bb]earer\s+(.+)/.exec(context.header(name.toLowerCase()) ?? '')?.[1]
    if (token) found.add(token)
  }
  found.delete('')
  return found
}

function cookieOf(context: RequestContext, name: string): string | undefined {
  for (const pair of (context.headers('cookie') ?? []).join('; ').split(';')) {
    const [key, ...value] = pair.trim().split('=')
    if (key === name) return value.join('=')
  }
  return undefined
}

function keyOf({ algorithm, secret, rsa_public_key }: Row, config: JwtConfig): string | null {
  if (!String(algorithm).startsWith('HS')) return (rsa_public_key as string | null | undefined) ?? null
  const text = (secret as string | null | undefined) ?? null
  return text !== null && config.secret_is_base64 ? Buffer.from(text, 'base64url').toString('latin1') : text
}

/** null: Kong's plugin fails on it. */
function isSigner(key: string, token: JsonWebToken): boolean | null {
  try {
    return isSignedWith(key, token)
  } catch {
    return null
  }
}

/** @param most in seconds; 0: as long as it likes */
function endsWithin(most: number, { claims }: JsonWebToken, nowSeconds: number): boolean {
  return most <= 0 || (typeof claims.exp === 'number' && claims.exp - nowSeconds <= most)
}
