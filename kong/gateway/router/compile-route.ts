import { fromBytes, toBytes } from './normalise-path.ts'
import { type Priority, routePriority } from './route-priority.ts'
import type { NetRule, RouteRow, ServiceRow } from './route-row.ts'
import { compileRustRegex } from './rust-regex.ts'
import { type RoutePart, splitRoute } from './split-route.ts'

/** What the router may look at. Paths and header values are byte strings. */
export interface RouteRequest {
  readonly method: string
  /** Normalised, without query. */
  readonly path: string
  /** The Host header as sent, with port and case; undefined when absent. */
  readonly host: string | undefined
  readonly scheme: 'http' | 'https'
  /** Port of the listener; a port in the Host header goes before it. */
  readonly port: number
  readonly sni?: string | undefined
  readonly sourceIp?: string
  readonly sourcePort?: number
  /** All values of a header by lower-case name; undefined when absent. */
  readonly header: (name: string) => readonly string[] | undefined
}

/** A request with its Host header taken apart, once for all entries. */
export interface PreparedRequest extends RouteRequest {
  readonly hostName: string | undefined
  readonly hostPort: number | undefined
}

export interface RouteEntry {
  readonly entryId: string
  readonly priority: Priority
  readonly route: RouteRow
  readonly service: ServiceRow | undefined
  /** Host names that lead to this entry when it has only exact ones; null: any host may. */
  readonly exactHosts: readonly string[] | null
  /** Prefixes that lead to this entry when it has only prefixes; null: any path may. */
  readonly prefixes: readonly string[] | null
  readonly test: (request: PreparedRequest) => EntryMatch | null
}

export interface EntryMatch {
  /** The matched prefix, or the text a regex matched; null for a route without paths. */
  readonly path: string | null
  readonly captures: Readonly<Record<string, string>> | null
}

/** The entries of one route, in no particular order. Throws SyntaxError when a regex cannot be compiled. */
export function compileRoute(route: RouteRow, service: ServiceRow | undefined): readonly RouteEntry[] {
  return splitRoute(route).map((part) => compilePart(part, route, service))
}

export function prepareRequest(request: RouteRequest): PreparedRequest {
  const { name, port } = splitHostPort(request.host)
  return { ...request, hostName: name, hostPort: port }
}

/** `example.com:81` -> name and port; anything after a colon that is no number belongs to the name. */
export function splitHostPort(host: string | undefined): {
  name: string | undefined
  port: number | undefined
} {
  if (host === undefined) return { name: undefined, port: undefined }
  const colon = host.indexOf(':')
  if (colon < 0 || !/^\d+$/.test(host.slice(colon + 1))) return { name: host, port: undefined }
  return { name: host.slice(0, colon), port: Number(host.slice(colon + 1)) }
}

function compilePart(
  { entryId, route }: RoutePart,
  original: RouteRow,
  service: ServiceRow | undefined,
): RouteEntry {
  const hosts = nonEmpty(route.hosts)
  const paths = nonEmpty(route.paths)
  const isRegex = paths?.[0]?.startsWith('~') ?? false
  const conditions = [
    methodCondition(route),
    hosts && hostCondition(hosts),
    sniCondition(route),
    netCondition(route),
    ...headerConditions(route),
  ].filter((condition) => condition !== null)
  const matchPath = !paths ? () => NO_PATH : isRegex ? regexMatcher(paths) : prefixMatcher(paths.map(toBytes))
  return {
    entryId,
    priority: routePriority(route),
    route: original,
    service,
    exactHosts:
      hosts && !hosts.some((host) => host.includes('*'))
        ? hosts.map((host) => splitHostPort(toBytes(host)).name!)
        : null,
    prefixes: paths && !isRegex ? paths.map(toBytes) : null,
    test(request) {
      for (const condition of conditions) if (!condition(request)) return null
      return matchPath(request.path)
    },
  }
}

type Condition = (request: PreparedRequest) => boolean

const NO_PATH: EntryMatch = { path: null, captures: null }

function prefixMatcher(prefixes: readonly string[]): (path: string) => EntryMatch | null {
  const matches = prefixes.map((prefix) => ({ path: prefix, captures: null }))
  return (path) => matches.find((match) => path.startsWith(match.path)) ?? null
}

/** `~/a|/b` is anchored before its first alternative only, as in Kong, which puts `^` in front of the text. */
function regexMatcher(paths: readonly string[]): (path: string) => EntryMatch | null {
  const expressions = paths.map((path) => compileRustRegex(`^${path.slice(1)}`))
  return (path) => {
    const text = fromBytes(path)
    if (text === undefined) return null
    for (const expression of expressions) {
      const match = expression.exec(text)
      if (match) return { path: toBytes(match[0]), captures: capturesOf(match) }
    }
    return null
  }
}

/** Null unless a group took part: Kong offers `uri_captures` only then. */
function capturesOf(match: RegExpExecArray): Record<string, string> | null {
  const captures: Record<string, string> = { 0: match[0] }
  for (let i = 1; i < match.length; i++) if (match[i] !== undefined) captures[i] = match[i]!
  for (const [name, value] of Object.entries(match.groups ?? {}))
    if (value !== undefined) captures[name] = value
  return Object.keys(captures).length > 1 ? captures : null
}

function methodCondition(route: RouteRow): Condition | null {
  const methods = nonEmpty(route.methods)
  if (!methods) return null
  const allowed = new Set(methods)
  return (request) => allowed.has(request.method)
}

function hostCondition(hosts: readonly string[]): Condition {
  const rules = hosts.map((host) => {
    const { name, port } = splitHostPort(toBytes(host))
    const accepts = nameRule(name!)
    if (port === undefined) return (request: PreparedRequest) => accepts(request.hostName!)
    return (request: PreparedRequest) =>
      accepts(request.hostName!) && (request.hostPort ?? request.port) === port
  })
  return (request) => request.hostName !== undefined && rules.some((rule) => rule(request))
}

/** `*.a.b` and `a.*`: a star stands for anything, also for nothing and for several labels. Case counts. */
function nameRule(pattern: string): (name: string) => boolean {
  if (pattern.startsWith('*')) return (name) => name.endsWith(pattern.slice(1))
  if (pattern.endsWith('*')) return (name) => name.startsWith(pattern.slice(0, -1))
  return (name) => name === pattern
}

/** SNIs are considered on https connections only: plain http matches as if there were none. */
function sniCondition(route: RouteRow): Condition | null {
  const snis = nonEmpty(route.snis)
  if (!snis) return null
  const rules = snis.map((sni) => {
    const open = sni.endsWith('*')
    return nameRule(!open && sni.length > 1 && sni.endsWith('.') ? sni.slice(0, -1) : sni)
  })
  return (request) =>
    request.scheme !== 'https' || (request.sni !== undefined && rules.some((rule) => rule(request.sni!)))
}

function netCondition(route: RouteRow): Condition | null {
  const sources = nonEmpty(route.sources)
  if (!sources) return null
  return (request) => sources.some((rule) => acceptsSource(rule, request))
}

function acceptsSource(rule: NetRule, request: PreparedRequest): boolean {
  if (rule.ip && !rule.ip.includes('/') && rule.ip !== request.sourceIp) return false
  if (rule.ip?.includes('/')) return false
  return rule.port === null || rule.port === undefined || rule.port === request.sourcePort
}

/** Values are compared in lower case; `~*` starts a regex, whose text is lowered too (so `\D` turns into `\d`). */
function headerConditions(route: RouteRow): readonly Condition[] {
  return Object.entries(route.headers ?? {}).map(([header, wanted]) => {
    const name = header.toLowerCase()
    const rules = wanted.map((value) => headerRule(value))
    return (request) => {
      const values = headerValues(request, name)
      return values?.some((value) => rules.some((rule) => rule(value.toLowerCase()))) ?? false
    }
  })
}

function headerRule(wanted: string): (value: string) => boolean {
  if (wanted.startsWith('~*')) {
    const expression = compileRustRegex(lowerAscii(wanted.slice(2)))
    return (value) => expression.test(value)
  }
  const lowered = lowerAscii(toBytes(wanted))
  return (value) => value === lowered
}

/** Dashes and underscores are one to the router; a header sent with underscores wins over one with dashes. */
function headerValues(request: PreparedRequest, name: string): readonly string[] | undefined {
  const underscored = name.replaceAll('-', '_')
  return request.header(underscored) ?? request.header(name.replaceAll('_', '-'))
}

function lowerAscii(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => letter.toLowerCase())
}

function nonEmpty<T>(list: readonly T[] | null | undefined): readonly T[] | null {
  return list && list.length > 0 ? list : null
}
