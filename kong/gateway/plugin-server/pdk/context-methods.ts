/** kong.client, kong.router, kong.node, kong.nginx, kong.ctx, kong.ip and kong.log: what is known around the request. */
import { hostname } from 'node:os'
import type { TLSSocket } from 'node:tls'
import { variableNamed } from '../../access-log/nginx-variables.ts'
import type { RequestContext } from '../../proxy/request-context.ts'
import { toBytes } from '../../router/normalise-path.ts'
import { luaValue } from '../lua-value.ts'
import type { Packable } from '../message-pack.ts'
import type { Unpacked } from '../message-unpack.ts'
import { stringArgument } from './arguments.ts'
import { entityRow } from './entity-row.ts'
import { always, inAccess, inLog, PdkError, type PdkMethod, type PdkWorld } from './method.ts'
import { serialize } from './serialize.ts'
import { addSerializeValue } from './serialize-values.ts'

const remotePort = inAccess(({ context }) => context.socket.remotePort)

export const CLIENT_METHODS: Readonly<Record<string, PdkMethod>> = {
  get_ip: inAccess(({ context }) => context.peerIp),
  get_forwarded_ip: inAccess(({ context }) => context.clientIp),
  get_port: remotePort,
  get_forwarded_port: remotePort,
  get_protocol: inAccess(({ world, context }) => protocolOf(world, context)),
  get_credential: always(({ context }) => {
    if (context.credentialId === null) return undefined
    return luaValue({ id: context.credentialId, consumer_id: context.consumer?.id })
  }),
  get_consumer: always(({ world, context }) => {
    return context.consumer ? row(world, 'consumers', context.consumer.id) : undefined
  }),
  load_consumer: inAccess(({ world, args }) => {
    const id = stringArgument(args[0], 'consumer_id')
    const byName = args[1] ? world.store.find('consumers', 'username', id)?.id : undefined
    return row(world, 'consumers', byName ?? id)
  }),
}

export const ROUTER_METHODS: Readonly<Record<string, PdkMethod>> = {
  get_route: always(({ world, context }) =>
    context.route ? row(world, 'routes', context.route.id) : undefined,
  ),
  get_service: always(({ world, context }) =>
    context.service ? row(world, 'services', context.service.id) : undefined,
  ),
}

export const NODE_METHODS: Readonly<Record<string, PdkMethod>> = {
  get_id: always(({ world }) => world.nodeId),
  get_hostname: always(() => toBytes(hostname())),
}

export const NGINX_METHODS: Readonly<Record<string, PdkMethod>> = {
  get_var: inAccess(({ context, args }) =>
    variableNamed(stringArgument(args[0], 'variable name'))?.(context),
  ),
  get_ctx: always(({ context, args }) => stored(context, 'ngx.ctx').get(String(args[0]))),
  set_ctx: always(({ context, args }) => store(context, 'ngx.ctx', args)),
  get_subsystem: always(() => 'http'),
  req_start_time: always(({ context }) => context.startedAtMs / 1000),
  get_tls1_version_str: inAccess(
    ({ context }) => (context.socket as Partial<TLSSocket>).getProtocol?.() ?? undefined,
  ),
}

export const SHARED_METHODS: Readonly<Record<string, PdkMethod>> = {
  get: always(({ context, args }) => stored(context, 'kong.ctx.shared').get(String(args[0]))),
  set: always(({ context, args }) => store(context, 'kong.ctx.shared', args)),
}

export const IP_METHODS: Readonly<Record<string, PdkMethod>> = {
  is_trusted: always(({ world, args }) => world.trusted.trusts(stringArgument(args[0], 'address'))),
}

const LEVELS = ['alert', 'crit', 'err', 'warn', 'notice', 'info', 'debug'] as const

export const LOG_METHODS: Readonly<Record<string, PdkMethod>> = {
  serialize: inLog(({ world, context }) => toBytes(serialize(context, world))),
  set_serialize_value: inAccess(({ context, args }) => {
    const options = args[2]
    const mode =
      typeof options === 'object' && options !== null && !Array.isArray(options) ? options['mode'] : 'set'
    if (mode !== undefined && mode !== 'set' && mode !== 'add' && mode !== 'replace')
      throw new PdkError("mode must be 'set', 'add' or 'replace'")
    addSerializeValue(context, { key: stringArgument(args[0], 'key'), value: args[1], mode: mode ?? 'set' })
    return undefined
  }),
  ...Object.fromEntries(
    LEVELS.map((level) => [level, always(({ world, args }) => write(world, level, args))]),
  ),
}

function write(world: PdkWorld, level: (typeof LEVELS)[number], args: readonly Unpacked[]): undefined {
  const text = args.map((part) => (typeof part === 'object' ? JSON.stringify(part) : String(part))).join('')
  const to = { alert: 'error', crit: 'error', err: 'error', warn: 'warn', notice: 'info' } as const
  world.log[(to as Record<string, 'error' | 'warn' | 'info'>)[level] ?? 'debug'](text, { from: 'plugin' })
  return undefined
}

const row = (
  world: PdkWorld,
  collection: 'routes' | 'services' | 'consumers',
  id: string,
): Packable | undefined => {
  const found = entityRow(world, collection, id)
  return found && luaValue(found)
}

/** What plugins keep for later phases of the request. */
function stored(context: RequestContext, name: string): Map<string, Unpacked> {
  const known = context.shared.get(name) as Map<string, Unpacked> | undefined
  if (known) return known
  const made = new Map<string, Unpacked>()
  context.shared.set(name, made)
  return made
}

function store(context: RequestContext, name: string, [key, value]: readonly Unpacked[]): undefined {
  if (value === undefined || value === null) stored(context, name).delete(String(key))
  else stored(context, name).set(String(key), value)
  return undefined
}

function protocolOf(world: PdkWorld, context: RequestContext): string | undefined {
  const protocols = context.route?.protocols
  if (!protocols) return undefined
  if (protocols.length === 1) return protocols[0]
  const trusted = world.trusted.trusts(context.peerIp)
  const forwarded = trusted ? context.header('x-forwarded-proto')?.toLowerCase() : undefined
  return (forwarded ?? context.scheme) === 'https' ? 'https' : 'http'
}
