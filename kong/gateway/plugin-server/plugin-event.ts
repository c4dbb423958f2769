/** One event at a plugin server: HandleEvent, then a step for each PDK call it asks for, until it says `ret`. */

import type { Exit } from '../plugins-runtime/plugin.ts'
import type { RequestContext } from '../proxy/request-context.ts'
import type { Packable } from './message-pack.ts'
import type { Unpacked } from './message-unpack.ts'
import { Exited, PdkError, type PdkMethod, type PdkWorld, type Phase } from './pdk/method.ts'
import { PDK_METHODS } from './pdk/methods.ts'
import { stepMethodFor } from './pdk/step-method.ts'
import type { RpcConnections } from './rpc-connections.ts'

export type EventResult =
  | { readonly kind: 'done'; readonly exit?: Exit }
  /** The server said no, or said nothing. */
  | { readonly kind: 'failed'; readonly error: string }

export interface PluginEvent {
  readonly instanceId: number
  readonly phase: Phase
  readonly context: RequestContext
}

/**
 * Runs one event. An event that ends the request gets no further step and stays unanswered, as in Kong.
 * Rejects with PdkError for a call that Kong would not make, or ProtocolViolation; both end in 500 there.
 */
export async function runEvent(
  connections: RpcConnections,
  world: PdkWorld,
  { instanceId, phase, context }: PluginEvent,
): Promise<EventResult> {
  let reply = await connections.call('plugin.HandleEvent', [{ InstanceId: instanceId, EventName: phase }])
  let eventId: Packable | undefined
  for (;;) {
    if (reply.kind !== 'result') return { kind: 'failed', error: reply.error }
    if (reply.result === null || reply.result === false) return { kind: 'done' }
    const { EventId, Data } = fieldsOf(reply.result)
    eventId ??= EventId as Packable | undefined
    if (Data === 'ret') return { kind: 'done' }
    const { Method, Args } = fieldsOf(Data)
    const name = String(Method)
    const answer = await callMethod(PDK_METHODS.get(name), {
      world,
      context,
      phase,
      name,
      args: argumentsOf(Args),
    })
    if (answer instanceof Exited) return { kind: 'done', exit: answer.exit }
    reply = await connections.call(stepMethodFor(name), [{ EventId: eventId, Data: answer ?? undefined }])
  }
}

interface Call {
  readonly world: PdkWorld
  readonly context: RequestContext
  readonly phase: Phase
  readonly name: string
  readonly args: readonly Unpacked[]
}

async function callMethod(method: PdkMethod | undefined, call: Call): Promise<Packable | Exited | undefined> {
  const { world, phase, name } = call
  if (!method) {
    world.log.error('could not find pdk method', { method: name })
    return undefined
  }
  if (!method.phases.has(phase)) throw new PdkError(`function '${name}' cannot be called in ${phase} phase`)
  return method.run(call)
}

function fieldsOf(value: Unpacked | undefined): { readonly [key: string]: Unpacked | undefined } {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value
  throw new PdkError('the plugin server sent an event without Data')
}

/** Trailing nulls are nil, and a single argument may come without its list. */
function argumentsOf(args: Unpacked | undefined): readonly Unpacked[] {
  if (args === undefined || args === null) return []
  return Array.isArray(args) ? args : typeof args === 'object' ? Object.values(args) : [args]
}
