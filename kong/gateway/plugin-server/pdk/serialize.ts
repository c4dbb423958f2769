/**
 * kong.log.serialize: one JSON text about the request, for the log phase. Field by field as Kong's, except that what
 * only nginx knows (`latencies.receive`) is 0.
 */
import { queryArguments } from '../../plugins-runtime/query-arguments.ts'
import { hostVariable } from '../../proxy/forward-headers.ts'
import type { RequestContext } from '../../proxy/request-context.ts'
import { requestLength, sentBytes } from '../../proxy/request-sizes.ts'
import { sentHeaders } from '../../proxy/sent-headers.ts'
import type { TryRecord } from '../../proxy/try-record.ts'
import { textOf } from '../byte-string.ts'
import { WORKSPACE_ID } from '../instance-configuration.ts'
import { entityRow } from './entity-row.ts'
import type { PdkWorld } from './method.ts'
import { requestHeaders } from './request-headers.ts'
import { sourceOf } from './response-methods.ts'
import { serializeValues } from './serialize-values.ts'

/** JSON text, not bytes. */
export function serialize(context: RequestContext, world: PdkWorld): string {
  const { target, route, service, consumer } = context
  const uri = textOf(context.request.url ?? '')
  const root = {
    request: {
      id: context.id,
      uri,
      url: `${context.scheme}://${textOf(hostVariable(context))}:${context.port}${uri}`,
      querystring: argumentTable(context.match ? context.upstreamQuery : target.query),
      method: context.upstreamMethod,
      headers: redacted(table(requestHeaders(context))),
      size: requestLength(context),
      ...(context.scheme === 'https' ? { tls: tlsOf(context) } : {}),
    },
    upstream_uri: context.isRouted ? textOf(context.upstreamPath + context.upstreamQuery) : '',
    upstream_status: context.tries.map(({ status }) => (status === 0 ? '-' : status)).join(', '),
    response: { status: context.status, headers: table(sentHeaders(context)), size: sentBytes(context) },
    latencies: latenciesOf(context),
    ...(context.isRouted ? { tries: triesOf(context.tries) } : {}),
    ...(context.credentialId === null
      ? {}
      : { authenticated_entity: { id: context.credentialId, consumer_id: consumer?.id } }),
    ...(route ? { route: entityRow(world, 'routes', route.id) } : {}),
    ...(service ? { service: entityRow(world, 'services', service.id) } : {}),
    ...(consumer ? { consumer: entityRow(world, 'consumers', consumer.id) } : {}),
    client_ip: context.clientIp,
    started_at: context.startedAtMs,
    source: { service: 'upstream', exit: 'kong', error: 'kong' }[sourceOf(context)],
    workspace: WORKSPACE_ID,
    workspace_name: 'default',
  }
  serializeValues(context, root)
  return JSON.stringify(root)
}

function latenciesOf(context: RequestContext): object {
  const request = Math.round(performance.now() - context.startMs)
  return {
    kong: context.isProxied ? Math.round(context.proxyLatencyMs) : request,
    proxy: context.upstreamLatencyMs < 0 ? -1 : Math.round(context.upstreamLatencyMs),
    request,
    receive: 0,
  }
}

/** Only tries that failed have a state and a code. */
function triesOf(tries: readonly TryRecord[]): object[] {
  return tries
    .filter(({ address }) => address !== '')
    .map(({ address, status, headerMs, startedAtMs }) => {
      const colon = address.lastIndexOf(':')
      return {
        ip: address.slice(0, colon).replace(/^\[|\]$/g, ''),
        port: Number(address.slice(colon + 1)),
        balancer_start: startedAtMs,
        balancer_start_ns: startedAtMs * 1e6,
        balancer_latency: 0,
        balancer_latency_ns: 0,
        ...(headerMs === null && status !== 0 ? { state: 'failed', code: status } : {}),
      }
    })
}

function table(headers: ReadonlyMap<string, readonly string[]>): Record<string, string | string[]> {
  return Object.fromEntries(
    [...headers].map(([name, values]) => [
      textOf(name),
      values.length === 1 ? textOf(values[0]!) : values.map(textOf),
    ]),
  )
}

function redacted(headers: Record<string, string | string[]>): Record<string, string | string[]> {
  for (const name of ['authorization', 'proxy-authorization']) if (headers[name]) headers[name] = 'REDACTED'
  return headers
}

function argumentTable(query: string): Record<string, unknown> {
  const found = [...queryArguments(query)].map(([name, values]): [string, unknown] => {
    const texts = values.map((value) => (value === true ? true : textOf(value)))
    return [textOf(name), texts.length === 1 ? texts[0] : texts]
  })
  return Object.fromEntries(found)
}

function tlsOf(context: RequestContext): object {
  const socket = context.socket as Partial<import('node:tls').TLSSocket>
  return {
    version: socket.getProtocol?.() ?? undefined,
    cipher: socket.getCipher?.()?.standardName ?? undefined,
    client_verify: 'NONE',
  }
}
