import type { IncomingHttpHeaders } from 'node:http'
import type { AgentRegistration } from '../../api/registration.ts'
import type { ServiceReport } from '../../core/desired.ts'

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

/** Only answers of an instance have this header; the others Kong gave itself. */
const UPSTREAM_HEADER = 'x-kong-upstream-latency'
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

/** Pure. */
export function judgeAnswer({
  status,
  headers,
}: {
  readonly status: number
  readonly headers: IncomingHttpHeaders
}): Verdict {
  const isServed = UPSTREAM_HEADER in headers || 'via' in headers
  if (isServed) {
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
