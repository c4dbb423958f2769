import { nearest } from './nearest.ts'
import type { FileEntry } from './parse-file.ts'
import { environmentOf, flagKeyOf, flagOf, type Setting, withoutCredentials } from './setting.ts'
import { REFUSED_ENVIRONMENT, SETTINGS } from './settings-table.ts'

export type Value = string | number | boolean

/** A value and where it comes from: `flag --mesh`, `environment KONGSUL_MESH`, `kongsul.yaml:3`, `default`. */
export interface Resolved {
  readonly setting: Setting
  readonly value: Value | undefined
  readonly source: string
}

export interface ConfigLayers {
  /** Values of flags by `flagKeyOf(path)`, as commander gives them. */
  readonly flags: Readonly<Record<string, unknown>>
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly file: { readonly name: string; readonly entries: readonly FileEntry[] } | null
}

export interface ResolvedConfig {
  readonly values: ReadonlyMap<string, Resolved>
  /** Each names the field, its source and the fix. Any of them means: do not start. */
  readonly problems: readonly string[]
  /** Things that look wrong and stop nothing. */
  readonly warnings: readonly string[]
}

interface Candidate {
  readonly raw: unknown
  readonly source: string
}

/** Layers flags > environment > file > defaults and checks every value that is used. Pure. */
export function resolveConfig(layers: ConfigLayers): ResolvedConfig {
  const problems = [...unknownKeys(layers), ...refusedEnvironment(layers.environment)]
  const values = new Map<string, Resolved>()
  for (const setting of SETTINGS) {
    const candidate = findCandidate(setting, layers)
    if (candidate === null) {
      values.set(setting.path, {
        setting,
        value: setting.fallback,
        source: setting.fallback === undefined ? 'not set' : 'default',
      })
      continue
    }
    const checked = check(setting, candidate, values)
    if (typeof checked === 'object') problems.push(checked.problem)
    else values.set(setting.path, { setting, value: checked, source: candidate.source })
  }
  return { values: withFollowers(values), problems, warnings: unknownEnvironment(layers.environment) }
}

function findCandidate(setting: Setting, { flags, environment, file }: ConfigLayers): Candidate | null {
  const flag = flags[flagKeyOf(setting.path)]
  if (flag !== undefined) return { raw: flag, source: `flag ${flagOf(setting.path)}` }
  for (const name of [environmentOf(setting.path), ...(setting.environment ?? [])]) {
    // An empty variable counts as not set, as Consul's own tools have it.
    if (environment[name]) return { raw: environment[name], source: `environment ${name}` }
  }
  const entry = file?.entries.findLast(({ path }) => path === setting.path)
  return file && entry ? { raw: entry.value, source: `${file.name}:${entry.line}` } : null
}

function check(
  setting: Setting,
  { raw, source }: Candidate,
  values: ReadonlyMap<string, Resolved>,
): Value | { problem: string } {
  const value = withScheme(setting, fromText(setting, raw), values)
  const result = setting.schema.safeParse(value)
  if (result.success) return result.data as Value
  const shown = setting.secret ? 'the value' : withoutCredentials(JSON.stringify(raw))
  const reason = result.error.issues[0]?.message ?? 'is not valid'
  return { problem: `${setting.path} (${source}): ${shown} ${reason}. Example: ${setting.example}` }
}

/** Flags and the environment give text; the file gives typed values, and text where people quote. */
function fromText(setting: Setting, raw: unknown): unknown {
  if (setting.kind === 'text') return typeof raw === 'number' ? String(raw) : raw
  if (typeof raw !== 'string') return raw
  if (setting.kind === 'number') return /^-?\d+(\.\d+)?$/.test(raw.trim()) ? Number(raw) : raw
  // Words that Go's ParseBool takes, so that CONSUL_HTTP_SSL means here what it means for Consul.
  if (/^(1|t|true)$/i.test(raw)) return true
  return /^(0|f|false)$/i.test(raw) ? false : raw
}

/** CONSUL_HTTP_ADDR is usually `host:port` without a scheme. */
function withScheme(setting: Setting, value: unknown, values: ReadonlyMap<string, Resolved>): unknown {
  if (setting.path !== 'consul.address' || typeof value !== 'string' || value.includes('://')) return value
  return `${values.get('consul.ssl')?.value === true ? 'https' : 'http'}://${value}`
}

/** Addresses that nobody gave follow the ports. */
const FOLLOWERS: readonly (readonly [path: string, port: string])[] = [
  ['consul.address', 'port.consul'],
  ['kong.adminUrl', 'port.admin'],
  ['kong.proxyUrl', 'port.proxy'],
  ['addr', 'port.api'],
]

function withFollowers(values: Map<string, Resolved>): ReadonlyMap<string, Resolved> {
  for (const [path, portPath] of FOLLOWERS) {
    const own = values.get(path)
    const port = values.get(portPath)
    if (!own || !port || own.value !== undefined) continue
    const scheme = path === 'consul.address' && values.get('consul.ssl')?.value === true ? 'https' : 'http'
    const source = port.source === 'default' ? 'default' : `${portPath}, ${port.source}`
    values.set(path, { ...own, value: `${scheme}://127.0.0.1:${String(port.value)}`, source })
  }
  return values
}

function unknownKeys({ file }: ConfigLayers): string[] {
  const known = SETTINGS.map(({ path }) => path)
  return (file?.entries ?? [])
    .filter(({ path }) => !known.includes(path))
    .map(({ path, line }) => {
      const hint = nearest(path, known)
      return `${path} (${file!.name}:${line}): there is no such setting. ${hint ? `Did you mean ${hint}?` : 'Remove it.'}`
    })
}

function refusedEnvironment(environment: ConfigLayers['environment']): string[] {
  return Object.entries(REFUSED_ENVIRONMENT)
    .filter(([name]) => environment[name])
    .map(([name, reason]) => `${name} (environment): ${reason}. Unset it.`)
}

/** What Kubernetes itself sets in every container for a service named kongsul, or kongsul-something. */
const OF_KUBERNETES =
  /^KONGSUL_(?:[A-Z0-9_]+_)?(?:SERVICE_(?:HOST|PORT(?:_[A-Z0-9_]+)?)|PORT(?:_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)?)$/

/** What `kongsul/client` reads; it may stand in the environment of a service that runs commands too. */
const OF_CLIENT = 'KONGSUL_IDENTITY_FILE'

/** Names that no setting has. Not refused: other programs of one's own may use them. */
function unknownEnvironment(environment: ConfigLayers['environment']): string[] {
  const known = [...SETTINGS.map(({ path }) => environmentOf(path)), 'KONGSUL_CONFIG', OF_CLIENT]
  return Object.keys(environment)
    .filter((name) => name.startsWith('KONGSUL_') && environment[name] && !known.includes(name))
    .filter((name) => !OF_KUBERNETES.test(name))
    .map((name) => {
      const hint = nearest(name, known)
      const remedy = hint ? `Did you mean ${hint}?` : '"kongsul config process" lists the settings.'
      return `${name} (environment) is not a setting. ${remedy}`
    })
}
