// When a span is an error. https://opentelemetry.io/docs/specs/semconv/http/http-spans/#status and rpc/grpc
import { CLIENT_CLOSED, type Outcome } from '../outcomes/outcome.ts'

/** Codes of gRPC that are the server's fault: UNKNOWN, DEADLINE_EXCEEDED, UNIMPLEMENTED, INTERNAL, UNAVAILABLE, DATA_LOSS. */
const SERVER_FAULTS: ReadonlySet<number> = new Set([2, 4, 12, 13, 14, 15])

/** 5xx; a 4xx is the client's doing, and so is going away. */
export function isServerFailure({
  status,
  grpcStatus,
  source,
}: Pick<Outcome, 'status' | 'grpcStatus' | 'source'>): boolean {
  if (source === 'client_abort') return false
  return status >= 500 || (grpcStatus !== null && SERVER_FAULTS.has(grpcStatus))
}

/** For who asks, every 4xx and 5xx is an error, and so is no answer. Only not having waited for it is none. */
export function isClientFailure(outcome: Outcome, index: number): boolean {
  const { status } = outcome.tries[index]!
  if (typeof status !== 'number') return true
  if (isGivenUp(outcome, index)) return false
  if (status >= 400) return true
  return isFinal(outcome, index) && outcome.grpcStatus !== null && outcome.grpcStatus !== 0
}

/** Whether the client left during this try. */
export const isGivenUp = (outcome: Outcome, index: number): boolean =>
  outcome.source === 'client_abort' &&
  outcome.tries[index]!.status === CLIENT_CLOSED &&
  isFinal(outcome, index)

/** What is known of the call as a whole is about its last try. */
export const isFinal = ({ tries }: Outcome, index: number): boolean => index === tries.length - 1
