import type { Outcome } from '../outcomes/outcome.ts'
import { isServerFailure } from './failure.ts'
import type { Attributes } from './span.ts'
import type { SpanFacts } from './spans-of.ts'

/** Attributes of the gateway's span. The query is nowhere: it may hold secrets. */
export function serverAttributes(
  outcome: Outcome,
  { method, service, routeName, route }: SpanFacts,
): Attributes {
  const { grpcStatus, userAgent, serviceId, routeId } = outcome
  // Filled in steps: every request comes here, and spreading optional parts is slow.
  const attributes: Record<string, string | number> = {
    'http.request.method': method,
    'url.path': outcome.path,
    'url.scheme': outcome.scheme,
    'server.address': outcome.host,
    'client.address': outcome.clientAddress,
    'http.response.status_code': outcome.status,
    'http.request.size': outcome.bytesIn,
    'http.response.size': outcome.bytesOut,
    'kong.request.id': outcome.requestId,
    'mesh.source': outcome.source,
    'mesh.tries': outcome.tries.length,
  }
  if (method === '_OTHER') attributes['http.request.method_original'] = outcome.method
  if (outcome.protocol !== '') attributes['network.protocol.version'] = versionOf(outcome.protocol)
  if (userAgent !== null) attributes['user_agent.original'] = userAgent
  if (route !== undefined) attributes['http.route'] = route
  if (grpcStatus !== null) {
    attributes['rpc.system'] = 'grpc'
    attributes['rpc.grpc.status_code'] = grpcStatus
  }
  if (isServerFailure(outcome)) attributes['error.type'] = errorType(outcome)
  if (serviceId !== null) attributes['kong.service.id'] = serviceId
  if (routeId !== null) attributes['kong.route.id'] = routeId
  if (routeName !== undefined) attributes['kong.route.name'] = routeName
  if (service !== undefined) attributes['mesh.service'] = service
  return attributes
}

/** `2` for `2.0`, as the conventions write it. */
const versionOf = (protocol: string): string => (protocol === '2.0' ? '2' : protocol)

const errorType = ({ status, grpcStatus }: Outcome): string =>
  String(status >= 500 || grpcStatus === null ? status : grpcStatus)
