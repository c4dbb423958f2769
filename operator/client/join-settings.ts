// Options and environment become settings. Pure.
import type { JoinOptions } from './public-types.ts'

export interface JoinSettings {
  readonly service: string
  readonly port: number
  readonly address: string | undefined
  readonly id: string | undefined
  readonly tags: readonly string[]
  readonly meta: Readonly<Record<string, string>>
  readonly weight: number | undefined
  readonly ttlSeconds: number
  readonly check: HttpCheck | null
  readonly deregisterAfterSeconds: number
  readonly door: { readonly kind: 'agent' | 'operator'; readonly url: string }
  readonly token: string | undefined
  /** Where the token is, when it is not given itself. */
  readonly tokenFile: string | undefined
  /** The service's private key, or where it is; null for a service that does not say who it is. */
  readonly identity: { readonly text: string } | { readonly file: string } | null
  readonly proxy: string
  readonly hostSuffix: string
  readonly otlp: string | undefined
  readonly otlpHeaders: Readonly<Record<string, string>>
  readonly samplingRate: number
  readonly forward: readonly string[]
  readonly leaveOnExit: boolean
  readonly leaveDelayMs: number
}

export interface HttpCheck {
  readonly path: string
  readonly intervalSeconds: number
  readonly timeoutSeconds: number
}

type Environment = Readonly<Record<string, string | undefined>>

const EXPOSE_TAG = 'kongsul.enable='
const META_KEY = /^[A-Za-z0-9_-]{1,128}$/
const MOST_META_CHARS = 512

/** @throws TypeError naming the option and what it should be */
export function joinSettings(options: JoinOptions, environment: Environment): JoinSettings {
  const { service, port, weight, id, operator, tags = [], expose = true } = options
  must(/^[a-z0-9-]{1,64}$/.test(service ?? ''), 'service', 'must be 1 to 64 of a-z, 0-9 and -')
  must(isWhole(port, 1, 65_535), 'port', 'must be 1 to 65535')
  must(weight === undefined || isWhole(weight, 0, 65_535), 'weight', 'must be 0 to 65535')
  must(id === undefined || operator === undefined, 'id', 'is chosen by the operator')
  must(
    operator === undefined || options.consul === undefined,
    'operator',
    'and consul are two ways: give one of them',
  )
  must(
    options.check === undefined || options.ttlSeconds === undefined,
    'ttlSeconds',
    'means nothing where Consul asks (check)',
  )
  const samplingRate = options.samplingRate ?? 1
  must(samplingRate >= 0 && samplingRate <= 1, 'samplingRate', 'must be 0 to 1')
  return {
    service,
    port,
    address: options.address,
    id,
    tags: tags.some((tag) => tag.startsWith(EXPOSE_TAG)) ? tags : [...tags, `${EXPOSE_TAG}${expose}`],
    meta: metaOf(options.meta ?? {}, weight),
    weight: weight === 0 ? undefined : weight,
    ttlSeconds: positive('ttlSeconds', options.ttlSeconds ?? 15),
    check: options.check === undefined ? null : checkOf(options.check),
    deregisterAfterSeconds: positive('deregisterAfterSeconds', options.deregisterAfterSeconds ?? 60),
    door:
      operator === undefined
        ? { kind: 'agent', url: httpUrl('consul', options.consul ?? consulOf(environment)) }
        : { kind: 'operator', url: httpUrl('operator', operator) },
    ...tokenOf(options, environment),
    identity: identityOf(options, environment),
    proxy: httpUrl('proxy', options.proxy ?? (environment['KONG_PROXY_URL'] || 'http://127.0.0.1:8000')),
    hostSuffix: (options.hostSuffix ?? 'mesh').toLowerCase(),
    otlp: otlpOf(options, environment),
    otlpHeaders: options.otlpHeaders ?? {},
    samplingRate,
    forward: (options.forward ?? ['x-request-id']).map((name) => name.toLowerCase()),
    leaveOnExit: options.leaveOnExit ?? true,
    leaveDelayMs: options.leaveDelayMs ?? 500,
  }
}

function checkOf({
  http,
  intervalSeconds = 10,
  timeoutSeconds = 5,
}: NonNullable<JoinOptions['check']>): HttpCheck {
  must(/^\/[^\s\\]*$/.test(http) && !http.startsWith('//'), 'check.http', 'must be a path like /health')
  return {
    path: http,
    intervalSeconds: positive('check.intervalSeconds', intervalSeconds),
    timeoutSeconds: positive('check.timeoutSeconds', timeoutSeconds),
  }
}

/** Consul refuses a weight of 0: kongsul reads it from the meta. */
function metaOf(meta: Readonly<Record<string, unknown>>, weight: number | undefined) {
  const texts: Record<string, string> = weight === 0 ? { 'mesh-weight': '0' } : {}
  for (const [key, value] of Object.entries(meta)) {
    must(META_KEY.test(key), `meta.${key}`, 'must be 1 to 128 of A-Z, a-z, 0-9, _ and -')
    const text = typeof value === 'string' ? value : JSON.stringify(value)
    must(
      text !== undefined && text.length <= MOST_META_CHARS,
      `meta.${key}`,
      `must be at most ${MOST_META_CHARS} characters long`,
    )
    texts[key] = text!
  }
  return texts
}

function consulOf(environment: Environment): string {
  const told = environment['CONSUL_HTTP_ADDR'] || '127.0.0.1:8500'
  if (told.includes('://')) return told
  return `${environment['CONSUL_HTTP_SSL'] === 'true' ? 'https' : 'http'}://${told}`
}

function tokenOf({ operator, token }: JoinOptions, environment: Environment) {
  const [own, file] =
    operator === undefined
      ? [environment['CONSUL_HTTP_TOKEN'], environment['CONSUL_HTTP_TOKEN_FILE']]
      : [undefined, environment['KONGSUL_TOKEN_FILE']]
  const known = token ?? (own || undefined)
  return { token: known, tokenFile: known === undefined ? file || undefined : undefined }
}

function identityOf({ identity, identityFile }: JoinOptions, environment: Environment) {
  must(
    identity === undefined || identityFile === undefined,
    'identity',
    'and identityFile are one thing: give one',
  )
  if (identity !== undefined) return { text: identity }
  const file = identityFile ?? (environment['KONGSUL_IDENTITY_FILE'] || undefined)
  return file === undefined ? null : { file }
}

/** The second of the two names is a base that the path is added to; the first is used as it is. */
function otlpOf({ otlp }: JoinOptions, environment: Environment): string | undefined {
  const told =
    otlp ??
    environment['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'] ??
    environment['OTEL_EXPORTER_OTLP_ENDPOINT'] ??
    ''
  return told === '' ? undefined : httpUrl('otlp', told)
}

function httpUrl(name: string, text: string): string {
  must(/^https?:\/\//.test(text) && URL.canParse(text), name, 'must be an http:// or https:// address')
  return text.replace(/\/+$/, '')
}

function positive(name: string, value: number): number {
  must(Number.isFinite(value) && value > 0, name, 'must be more than 0')
  return value
}

const isWhole = (value: unknown, least: number, most: number): boolean =>
  Number.isInteger(value) && (value as number) >= least && (value as number) <= most

function must(holds: boolean, name: string, rule: string): void {
  if (!holds) throw new TypeError(`join: ${name} ${rule}`)
}
