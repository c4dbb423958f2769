// The streams and keys of the old mesh in Redis: tasks, results, dead letters, agents.
import type { RedisCommand } from './redis-connection.ts'
import { RedisError } from './redis-error.ts'
import { ADD_TASK, REPLAY_AS_TASK } from './scripts.ts'
import { entriesOf, idAfter, isJson, pairsOf, type StreamEntry } from './stream-entry.ts'
import {
  AGENT_PREFIX,
  callsKey,
  deadKey,
  resultsKey,
  STREAM_LENGTH,
  tasksKey,
  topicOfTasksKey,
  WORKER_GROUP,
} from './topic.ts'

export interface GroupRow {
  readonly group: string
  readonly consumers: number
  /** Delivered and not acknowledged. */
  readonly pending: number
  /** Not delivered yet. */
  readonly lag: number
}

/** A scan goes through all keys of the database; one that takes longer is given up. */
const SCAN_LIMIT_MS = 5000

/** Appends a task for the old workers. @returns its id */
export async function addTask(run: RedisCommand, topic: string, json: string): Promise<string> {
  const keys = [tasksKey(topic), callsKey(topic)]
  return String(await run('EVAL', ADD_TASK, '2', ...keys, `${STREAM_LENGTH}`, WORKER_GROUP, json))
}

/** Newest first. */
export const readResults = async (run: RedisCommand, topic: string, count: number): Promise<StreamEntry[]> =>
  entriesOf(await run('XREVRANGE', resultsKey(topic), '+', '-', 'COUNT', `${count}`))

/** Newest first. */
export const readNewestDead = async (
  run: RedisCommand,
  topic: string,
  count: number,
): Promise<StreamEntry[]> => entriesOf(await run('XREVRANGE', deadKey(topic), '+', '-', 'COUNT', `${count}`))

/** Oldest first, between two ids. */
export const readDead = async (
  run: RedisCommand,
  topic: string,
  from: string,
  to: string,
  count: number,
): Promise<StreamEntry[]> => entriesOf(await run('XRANGE', deadKey(topic), from, to, 'COUNT', `${count}`))

/** @returns id of the task; null when the entry is gone already */
export async function replayAsTask(
  run: RedisCommand,
  topic: string,
  deadId: string,
  json: string,
): Promise<string | null> {
  const keys = [deadKey(topic), tasksKey(topic), callsKey(topic)]
  const words = [deadId, `${STREAM_LENGTH}`, json, WORKER_GROUP]
  const added = await run('EVAL', REPLAY_AS_TASK, '3', ...keys, ...words)
  return added === null ? null : String(added)
}

/** Lengths of the topic's streams. */
export async function readLengths(run: RedisCommand, topic: string) {
  const [tasks, results, dead] = await Promise.all(
    [tasksKey(topic), resultsKey(topic), deadKey(topic)].map(async (key) => Number(await run('XLEN', key))),
  )
  return { tasks: tasks!, results: results!, dead: dead! }
}

/** Groups of old workers and how far behind they are; none where the stream does not exist. */
export async function readGroups(run: RedisCommand, topic: string): Promise<GroupRow[]> {
  const reply = await run('XINFO', 'GROUPS', tasksKey(topic)).catch((error: unknown) => {
    if (error instanceof RedisError && /no such key/.test(error.message)) return []
    throw error
  })
  const rows = (Array.isArray(reply) ? reply : []).map((row) => pairsOf(row as unknown[]))
  return await Promise.all(
    rows.map(async (row) => ({
      group: row.get('name') ?? '',
      consumers: Number(row.get('consumers')),
      pending: Number(row.get('pending')),
      lag: await lagOf(run, topic, row),
    })),
  )
}

/** Redis tells it from version 7 on, and not after every deletion. */
async function lagOf(run: RedisCommand, topic: string, row: ReadonlyMap<string, string>): Promise<number> {
  const told = row.get('lag')
  if (told !== undefined && /^\d+$/.test(told)) return Number(told)
  const from = idAfter(row.get('last-delivered-id') ?? '0-0')
  const rest = await run('XRANGE', tasksKey(topic), from, '+', 'COUNT', `${2 * STREAM_LENGTH}`)
  return Array.isArray(rest) ? rest.length : 0
}

/** JSON texts of the agents that are alive, by name of their keys. One that is not JSON is answered as text. */
export async function readAgents(run: RedisCommand): Promise<string[]> {
  const keys = await scan(run, `${AGENT_PREFIX}*`)
  const agents: string[] = []
  for (let at = 0; at < keys.length; at += 500) {
    const values = (await run('MGET', ...keys.slice(at, at + 500))) as (string | null)[]
    // null: it has expired since it was seen, or is no text.
    for (const value of values) if (value !== null) agents.push(isJson(value) ? value : JSON.stringify(value))
  }
  return agents
}

/** Topics that have a stream of tasks. */
export async function readTopics(run: RedisCommand): Promise<string[]> {
  const keys = await scan(run, tasksKey('*'))
  return keys.map(topicOfTasksKey).filter((topic) => topic !== null)
}

/** Keys of a pattern, sorted, each once. Never KEYS: that would hold up Redis. */
async function scan(run: RedisCommand, pattern: string): Promise<string[]> {
  const until = Date.now() + SCAN_LIMIT_MS
  const found = new Set<string>()
  let cursor = '0'
  do {
    if (Date.now() > until)
      throw new RedisError('REDIS_DOWN', `looking for ${pattern} took over ${SCAN_LIMIT_MS} ms`)
    const [next, keys] = (await run('SCAN', cursor, 'MATCH', pattern, 'COUNT', '1000')) as [string, string[]]
    for (const key of keys) found.add(key)
    cursor = next
  } while (cursor !== '0')
  return [...found].sort()
}
