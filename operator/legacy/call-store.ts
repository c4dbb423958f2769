// Tasks of mode `mesh` in Redis: accepted, taken by one operator, finished. A group shares them among the operators;
// what one of them has taken and not finished is taken over by another.
import type { RedisCommand } from './redis-connection.ts'
import { RedisError } from './redis-error.ts'
import { ADD_CALL, FINISH_CALL, REPLAY_AS_CALL } from './scripts.ts'
import { entriesOf, type StreamEntry } from './stream-entry.ts'
import type { CallPlan } from './task-call.ts'
import {
  CALL_GROUP,
  CALL_TOPICS_KEY,
  callsKey,
  deadKey,
  resultsKey,
  STREAM_LENGTH,
  tasksKey,
} from './topic.ts'

/** @returns the task's id; null when as many wait as may */
export async function addCall(
  run: RedisCommand,
  topic: string,
  json: string,
  plan: CallPlan,
): Promise<string | null> {
  const keys = [callsKey(topic), CALL_TOPICS_KEY, tasksKey(topic)]
  const words = [`${STREAM_LENGTH}`, topic, json, JSON.stringify(plan)]
  const added = await run('EVAL', ADD_CALL, '3', ...keys, ...words)
  return added === null ? null : String(added)
}

/** @returns id of the task; null when the entry is gone already */
export async function replayAsCall(
  run: RedisCommand,
  topic: string,
  deadId: string,
  json: string,
  plan: CallPlan,
): Promise<string | null> {
  const keys = [deadKey(topic), callsKey(topic), CALL_TOPICS_KEY, tasksKey(topic)]
  const words = [deadId, `${STREAM_LENGTH}`, json, topic, JSON.stringify(plan)]
  const added = await run('EVAL', REPLAY_AS_CALL, '4', ...keys, ...words)
  return added === null ? null : String(added)
}

export const readCallTopics = async (run: RedisCommand): Promise<string[]> =>
  ((await run('SMEMBERS', CALL_TOPICS_KEY)) as string[]).map(String)

export const countCalls = async (run: RedisCommand, topic: string): Promise<number> =>
  Number(await run('XLEN', callsKey(topic)))

/** Takes tasks that nobody has taken. */
export async function takeCalls(
  run: RedisCommand,
  topic: string,
  consumer: string,
  count: number,
): Promise<StreamEntry[]> {
  const read = async () => {
    const from = ['STREAMS', callsKey(topic), '>']
    const reply = await run('XREADGROUP', 'GROUP', CALL_GROUP, consumer, 'COUNT', `${count}`, ...from)
    return Array.isArray(reply) ? entriesOf((reply[0] as unknown[])[1]) : []
  }
  try {
    return await read()
  } catch (error) {
    if (!(error instanceof RedisError) || !error.message.includes('NOGROUP')) throw error
    await createGroup(run, topic)
    return await read()
  }
}

/** From the first entry on: none may be passed over. */
async function createGroup(run: RedisCommand, topic: string): Promise<void> {
  try {
    await run('XGROUP', 'CREATE', callsKey(topic), CALL_GROUP, '0', 'MKSTREAM')
  } catch (error) {
    if (!(error instanceof RedisError) || !error.message.includes('BUSYGROUP')) throw error
  }
}

/** Tells the other operators that these are still being called here. */
export const holdCalls = async (
  run: RedisCommand,
  topic: string,
  consumer: string,
  ids: readonly string[],
): Promise<void> => void (await run('XCLAIM', callsKey(topic), CALL_GROUP, consumer, '0', ...ids, 'JUSTID'))

/** A task that was taken, and how often. */
export interface TakenOver extends StreamEntry {
  readonly deliveries: number
}

/** Takes over what somebody took and has not been heard of for `idleMs`. */
export async function takeOverCalls(
  run: RedisCommand,
  topic: string,
  consumer: string,
  { idleMs, most }: { readonly idleMs: number; readonly most: number },
): Promise<TakenOver[]> {
  const reply = await run('XPENDING', callsKey(topic), CALL_GROUP, '-', '+', '1000')
  const pending = (Array.isArray(reply) ? reply : []) as [string, string, number, number][]
  const idle = pending.filter(([, , idleFor]) => idleFor >= idleMs).slice(0, most)
  if (idle.length === 0) return []
  const deliveries = new Map(idle.map(([id, , , times]) => [id, times + 1]))
  const claim = [callsKey(topic), CALL_GROUP, consumer, `${idleMs}`, ...deliveries.keys()]
  const entries = entriesOf(await run('XCLAIM', ...claim))
  return entries.map((entry) => ({ ...entry, deliveries: deliveries.get(entry.id) ?? 1 }))
}

/** @returns false when somebody else has finished it */
export async function finishCall(
  run: RedisCommand,
  { topic, id, to, json }: { topic: string; id: string; to: 'results' | 'dead'; json: string },
): Promise<boolean> {
  const keys = [callsKey(topic), to === 'results' ? resultsKey(topic) : deadKey(topic)]
  return (await run('EVAL', FINISH_CALL, '2', ...keys, CALL_GROUP, id, `${STREAM_LENGTH}`, json)) !== null
}
