import { randomUUID } from 'node:crypto'
import net from 'node:net'
import type { Address } from '../balancer/address.ts'
import { type Selection, startSelection } from '../balancer/algorithm.ts'
import type { Balancer } from '../balancer/balancer.ts'
import { hashInput } from '../balancer/hash-input.ts'
import { queryArguments } from '../plugins-runtime/query-arguments.ts'
import type { ServiceRow } from '../router/route-row.ts'
import type { DataPlane } from './data-plane.ts'
import type { RequestContext } from './request-context.ts'
import { decodedPath } from './request-target.ts'

/** Where a request goes, and how to choose again when that fails. */
export interface Peer {
  readonly ip: string
  readonly port: number
  /** Sent as Host, before the port, unless the client's Host is kept. */
  readonly hostname: string
  readonly balanced: {
    readonly balancer: Balancer
    readonly selection: Selection
    readonly address: Address
  } | null
  /** The next peer for a retry; null when nobody is left. */
  readonly next: () => Peer | null
}

const NO_PEER = 'failure to get a peer from the ring-balancer'

/** Calls back with the peer, or with the message of a 503; at once when nothing has to be resolved. */
export function choosePeer(
  plane: DataPlane,
  context: RequestContext,
  service: ServiceRow,
  done: (peer: Peer | string) => void,
): void {
  const { host, port } = service
  if (net.isIP(host.replace(/^\[|\]$/g, '')) !== 0) {
    const ip = net.isIPv6(host) ? `[${host}]` : host
    const peer: Peer = { ip, port, hostname: ip, balanced: null, next: () => peer }
    done(peer)
    return
  }
  const balancer = plane.balancers.forHost(host)
  if (!balancer) {
    resolvePeer(plane, host, port, done)
    return
  }
  const peer = balancedPeer(balancer, startHashing(context, balancer))
  if (peer) {
    done(peer)
    return
  }
  // A name that was never resolved yet may be all that is missing.
  void plane.balancers.settleNames(balancer).then((settled) => {
    done((settled !== balancer && balancedPeer(settled, startHashing(context, settled))) || NO_PEER)
  })
}

function balancedPeer(balancer: Balancer, selection: Selection): Peer | null {
  const address = balancer.pick(selection, Date.now())
  if (!address) return null
  return {
    ip: address.ip,
    port: address.port,
    hostname: balancer.upstream.host_header ?? address.hostHeader,
    balanced: { balancer, selection, address },
    next: () => balancedPeer(balancer, selection),
  }
}

function resolvePeer(
  plane: DataPlane,
  host: string,
  port: number,
  done: (peer: Peer | string) => void,
): void {
  void plane.resolver.resolve(host).then(({ ips }) => {
    let turn = Math.floor(Math.random() * ips.length)
    const next = (): Peer | null => {
      if (ips.length === 0) return null
      return { ip: ips[turn++ % ips.length]!, port, hostname: host, balanced: null, next }
    }
    done(next() ?? 'name resolution failed')
  })
}

function startHashing(context: RequestContext, balancer: Balancer): Selection {
  const { upstream } = balancer
  if (upstream.algorithm !== 'consistent-hashing' && upstream.hash_on !== 'cookie') return startSelection('')
  const input = hashInput(upstream, {
    clientIp: context.clientIp,
    path: decodedPath(context.target.rawPath),
    consumerId: context.consumer?.id ?? context.credentialId ?? undefined,
    captures: context.match?.captures ?? null,
    variable: (name) => headerVariable(context, name),
    cookie: (name) => cookieValue(context.headers('cookie')?.join('; '), name),
    queryArgument: (name) => queryArguments(context.target.query).get(name),
  })
  if (!input.needsCookie) return startSelection(input.value)
  const value = randomUUID()
  const path = upstream.hash_on_cookie_path ?? '/'
  context.hashCookie = `${upstream.hash_on_cookie}=${value}; Path=${path}; Same-Site=Lax; HttpOnly`
  return startSelection(value)
}

/** nginx's `$http_name`: all values of the header, edits by plugins included. */
function headerVariable(context: RequestContext, underscored: string): string | undefined {
  const dashed = underscored.replaceAll('_', '-')
  for (const name of [dashed, underscored]) {
    const edit = context.upstreamHeaders.get(name)
    const values = edit === undefined ? context.headers(name) : edit?.values
    if (values) return values.join(', ')
  }
  return undefined
}

function cookieValue(header: string | undefined, name: string): string | undefined {
  for (const part of header?.split(';') ?? []) {
    const equals = part.indexOf('=')
    if (equals > 0 && part.slice(0, equals).trim() === name) return part.slice(equals + 1).trim()
  }
  return undefined
}
