// Who calls whom, counted as spans arrive, in whatever order. A call is counted once:
//  - where the span of who is called is there, by that span;
//  - else by the CLIENT span of who calls, when it names whom (peer.service and the like): so services that send no spans
//    are drawn too;
//  - the gateway is a service like any other, and each of its tries is a call. Its traceparent names its SERVER span, so
//    the spans of the service that it asked are siblings of its tries: there the tries count and those do not.
// Beside these, calls from service to service through the gateway are counted as such (`via`).
// Whatever was counted is taken back when a span that arrives later tells better.
import type { EdgeBook, EdgeUse } from './edge-book.ts'
import { CLIENT, PRODUCER, SERVER } from './otlp/span-input.ts'
import type { StoredSpan } from './stored-trace.ts'

/** To be called once for each span, after it has been linked into its trace. */
export function countEdges(book: EdgeBook, span: StoredSpan, nowMs: number): void {
  settle(book, span, nowMs)
  const { parent } = span
  if (parent !== undefined) {
    settle(book, parent, nowMs)
    if (isGatewayServer(parent) && isCaller(span) && span.calls !== null) {
      // Only those that it called: with a look at all others a trace of many siblings would cost the cube of their number.
      for (const sibling of parent.children()) {
        if (sibling.inbound !== null && sibling.service === span.calls.value) settle(book, sibling, nowMs)
      }
    }
  }
  for (const child of span.children()) {
    settle(book, child, nowMs)
    if (isGatewayServer(child)) for (const grandchild of child.children()) settle(book, grandchild, nowMs)
  }
}

interface Call {
  readonly caller: string
  readonly callee: string
  readonly via: string
}

function settle(book: EdgeBook, span: StoredSpan, nowMs: number): void {
  const inbound = inboundCall(span)
  const outbound = outboundCall(span)
  span.inbound = changed(book, span, span.inbound, inbound, nowMs)
  span.outbound = changed(book, span, span.outbound, outbound, nowMs)
  span.through = changed(book, span, span.through, throughCall(span, inbound ?? outbound), nowMs)
}

function changed(
  book: EdgeBook,
  span: StoredSpan,
  before: EdgeUse | null,
  call: Call | null,
  nowMs: number,
): EdgeUse | null {
  if (before !== null) {
    const { caller, callee, via } = before.edge
    if (call !== null && call.caller === caller && call.callee === callee && call.via === via) return before
    book.takeBack(before, span.durationMs, span.isError)
  }
  return call === null ? null : book.count(call, span.durationMs, span.isError, nowMs)
}

function inboundCall(span: StoredSpan): Call | null {
  const { parent, service } = span
  if (parent === undefined || parent.service === service) return null
  if (isGatewayServer(parent) && hasTryFor(parent, service)) return null
  return { caller: parent.service, callee: service, via: '' }
}

function outboundCall(span: StoredSpan): Call | null {
  const { calls, service } = span
  if (!isCaller(span) || calls === null || calls.value === service) return null
  for (const child of span.children()) if (child.service !== service) return null
  return { caller: service, callee: calls.value as string, via: '' }
}

/** The call behind the gateway's: who called it, and whom it called. */
function throughCall(span: StoredSpan, call: Call | null): Call | null {
  const { parent } = span
  if (call === null || parent === undefined || !isGatewayServer(parent)) return null
  if (call.caller !== parent.service) return null
  const before = parent.parent
  if (before === undefined) return null
  // A service without spans of its own hands the gateway's traceparent on: its name is where the gateway sent the request.
  const caller = before.isGateway ? before.calls?.value : before.service
  return typeof caller === 'string' ? { caller, callee: call.callee, via: parent.service } : null
}

function hasTryFor(gateway: StoredSpan, service: string): boolean {
  for (const child of gateway.children()) {
    if (child.service === gateway.service && isCaller(child) && child.calls?.value === service) return true
  }
  return false
}

const isCaller = ({ kind }: StoredSpan): boolean => kind === CLIENT || kind === PRODUCER
export const isGatewayServer = ({ isGateway, kind }: StoredSpan): boolean => isGateway && kind === SERVER
