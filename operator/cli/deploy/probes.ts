import type { IncomingHttpHeaders } from 'node:http'
import type { AgentRegistration } from '../../api/registration.ts'
import type { ServiceReport } from '../../core/desired.ts'
import type { Entity } from '../../core/entity.ts'
import { routeName, takerOf } from './taker.ts'

/** One request through the proxy that shows whether a host or a path leads to its service. */
export interface Probe {
  readonly service: string
  /** `http://web.mesh/health`, as people read it. */
  readonly shown: string
  readonly host: string
  readonly path: string
}

/** What a request came back with. */
export type Verdict =
  | { readonly kind: 'served'; readonly note: string }
  /** Kong knows the way and asks for something first. */
  | { readonly kind: 'guarded'; readonly note: string }
  | { readonly kind: 'failed'; readonly note: string }

/**
 * A request for each host and each path of a service: to the path that Consul checks, where that is HTTP. Patterns, and
 * routes that ask for more than a host or a path, are not asked for. Pure.
 */
export function probesOf(
  { service, hosts, paths }: Pick<ServiceReport, 'service' | 'hosts' | 'paths'>,
  registrations: readonly AgentRegistration[],
): readonly Probe[] {
  const asked = checkedPath(registrations)
  const byHost = hosts.filter((host) => !host.includes('*')).map((host) => ({ host, path: asked }))
  const byPath = paths
    .filter((path) => !path.startsWith('~'))
    .map((path) => ({ host: 'localhost', path: `${path.replace(/\/$/, '')}${asked}` }))
  return [...byHost, ...byPath].map(({ host, path }) => ({
    ...{ service, host, path },
    shown: host === 'localhost' ? path : `http://${host}${path}`,
  }))
}

function checkedPath(registrations: readonly AgentRegistration[]): string {
  const url = registrations.map(({ Check }) => Check['HTTP']).find((each) => typeof each === 'string')
  if (typeof url !== 'string') return '/'
  const { pathname, search } = new URL(url)
  return `${pathname}${search}`
}

/** The route that is not kongsul's and takes this request; null where there is none. Pure. */
export function takenBy(
  { host, path }: Pick<Probe, 'host' | 'path'>,
  kong: readonly Entity[],
): string | null {
  const route = takerOf({ method: 'GET', host, path }, kong)
  return route === null || route.managed ? null : routeName(route)
}

/** Of what an instance answered Kong says so by one of these; a proxy before Kong has a `via` of its own. */
const UPSTREAM_HEADER = 'x-kong-upstream-latency'
const KONG_SERVER = /\bkong\//i
/** What Kong says where it has no `request_id`; with `headers = off` these words alone show that it was Kong. */
const KONG_WORDS: ReadonlySet<string> = new Set([
  'no Route matched with those values',
  'failure to get a peer from the ring-balancer',
  'name resolution failed',
  'Please use HTTPS protocol',
  'An invalid response was received from the upstream server',
  'The upstream server is timing out',
  'An unexpected error occurred',
])
const ASKS: Readonly<Record<number, string>> = {
  301: 'asks for https',
  302: 'asks for https',
  307: 'asks for https',
  308: 'asks for https',
  401: 'asks for credentials',
  403: 'does not let this caller in',
  426: 'asks for https',
  429: 'limits requests',
}

interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** Pure. */
export function judgeAnswer(answer: Answer): Verdict {
  const { status } = answer
  if (!isOfKong(answer)) {
    return status < 500
      ? { kind: 'served', note: `${status}` }
      : { kind: 'failed', note: `${status}: no instance answers well` }
  }
  const asks = ASKS[status]
  if (asks !== undefined) return { kind: 'guarded', note: `${status}: Kong ${asks}` }
  if (status === 404) return { kind: 'failed', note: '404: Kong has no such route' }
  if (status === 503) return { kind: 'failed', note: '503: Kong has no instance to send it to' }
  return { kind: 'failed', note: `${status} from Kong itself` }
}

/** Did Kong answer itself? It may be told to have no headers of its own: then its words show it. */
function isOfKong({ headers, body }: Answer): boolean {
  if (UPSTREAM_HEADER in headers || KONG_SERVER.test(String(headers.via ?? ''))) return false
  return KONG_SERVER.test(String(headers.server ?? '')) || isKongsMessage(body)
}

function isKongsMessage(body: string): boolean {
  const parsed = parseJson(body)
  if (typeof parsed !== 'object' || parsed === null) return false
  const { message, request_id, ...others } = parsed as Readonly<Record<string, unknown>>
  if (typeof message !== 'string' || Object.keys(others).length > 0) return false
  return KONG_WORDS.has(message) || /^[0-9a-f]{32}$/.test(String(request_id))
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
