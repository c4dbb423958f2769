import type { Outcome } from '../outcomes/outcome.ts'
import { NOBODY } from '../outcomes/tries.ts'
import { isClientFailure, isFinal, isGivenUp } from './failure.ts'
import type { Attributes } from './span.ts'
import type { SpanFacts } from './spans-of.ts'

/**
 * Attributes of one try. `peer.service` lets dependency maps draw services that send no spans themselves. There is no
 * `url.full`: what Kong asked the instance for is not in the log, and the query may hold secrets.
 */
export function tryAttributes(outcome: Outcome, index: number, facts: SpanFacts): Attributes {
  const attempt = outcome.tries[index]!
  const { status, connectMs, ttfbMs } = attempt
  const { grpcStatus } = outcome
  const isAnswered = typeof status === 'number' && ttfbMs !== null
  const attributes: Record<string, string | number> = {
    'http.request.method': facts.method,
  }
  if (attempt.instance !== NOBODY) {
    attributes['mesh.instance'] = attempt.instance
    addAddress(attributes, attempt.instance)
  }
  if (index > 0) attributes['http.request.resend_count'] = index
  if (isAnswered) attributes['http.response.status_code'] = status
  if (grpcStatus !== null && isFinal(outcome, index)) {
    attributes['rpc.system'] = 'grpc'
    attributes['rpc.grpc.status_code'] = grpcStatus
  }
  if (isClientFailure(outcome, index)) attributes['error.type'] = errorType(outcome, index, isAnswered)
  if (facts.service !== undefined) {
    attributes['peer.service'] = facts.service
    attributes['mesh.service'] = facts.service
  }
  if (facts.route !== undefined) attributes['url.template'] = facts.route
  if (connectMs !== null) attributes['mesh.connect_ms'] = connectMs
  if (ttfbMs !== null) attributes['mesh.first_byte_ms'] = ttfbMs
  if (isGivenUp(outcome, index)) attributes['mesh.source'] = 'client_abort'
  return attributes
}

function addAddress(attributes: Record<string, string | number>, instance: string): void {
  const isUnix = instance.startsWith('unix:')
  const colon = instance.lastIndexOf(':')
  const named = isUnix ? instance.slice('unix:'.length) : instance.slice(0, colon)
  const address = named.startsWith('[') ? named.slice(1, -1) : named
  attributes['server.address'] = address
  attributes['network.peer.address'] = address
  if (isUnix) {
    attributes['network.transport'] = 'unix'
    return
  }
  const port = Number(instance.slice(colon + 1))
  attributes['server.port'] = port
  attributes['network.peer.port'] = port
}

function errorType(outcome: Outcome, index: number, isAnswered: boolean): string {
  const { status } = outcome.tries[index]!
  if (status === 'connect_error') return 'connection_error'
  if (status === 'timeout') return 'timeout'
  // A number without an answer: the connection ended before there was one.
  if (!isAnswered) return 'connection_reset'
  return String(status >= 400 ? status : outcome.grpcStatus)
}
