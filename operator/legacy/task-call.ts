/** What a service is told of a task, and what becomes of its answer: plain texts, no network. */

import { isJson } from './stream-entry.ts'

/** A task as it waits to be called: kept beside its text, so that whoever calls it knows how. */
export interface CallPlan {
  readonly service: string
  readonly path: string
  readonly timeoutMs: number
  /** Trace headers of the client. */
  readonly headers: Readonly<Record<string, string>>
}

export interface Task {
  readonly id: string
  readonly topic: string
  /** JSON text of the task, as the client sent it. */
  readonly text: string
}

/** JSON text of the call's body. */
export function callBody({ id, text }: Task): string {
  return `{"task_id":${JSON.stringify(id)},"payload":${text},"priority":${JSON.stringify(priorityOf(text))}}`
}

/** Of the task itself, where it has one. */
function priorityOf(text: string): number | string {
  const { priority } = JSON.parse(text) as { priority?: unknown }
  return typeof priority === 'number' || typeof priority === 'string' ? priority : 0
}

/**
 * JSON text of the entry for the results stream. Readers find a result by `task_id`: an answer that is an object gets
 * it unless it has one, and any other is the field `result`.
 */
export function resultJson(id: string, answer: string): string {
  const taskId = JSON.stringify(id)
  const text = answer.trim()
  if (!isJson(text)) return `{"task_id":${taskId},"result":${JSON.stringify(answer)}}`
  if (!text.startsWith('{')) return `{"task_id":${taskId},"result":${text}}`
  const inner = text.slice(1).trimStart()
  if (Object.hasOwn(JSON.parse(text) as object, 'task_id')) return text
  return inner.startsWith('}') ? `{"task_id":${taskId}}` : `{"task_id":${taskId},${inner}`
}

export interface CallFailure {
  readonly error: string
  /** null when the service did not answer. */
  readonly status: number | null
}

/** JSON text of the entry for the dead-letter stream. */
export function deadJson(task: Task, plan: CallPlan | null, failure: CallFailure, now: string): string {
  const rest = JSON.stringify({
    topic: task.topic,
    service: plan?.service ?? null,
    path: plan?.path ?? null,
    error: failure.error,
    status: failure.status,
    failed_at: now,
  })
  return `{"task_id":${JSON.stringify(task.id)},"payload":${task.text},${rest.slice(1)}`
}

/**
 * The task in a dead-letter entry, as JSON text: `payload` of entries like ours, else the whole object, which is what
 * old workers put there. null for what is no task.
 */
export function deadTask(entry: string): string | null {
  if (!isJson(entry)) return null
  const value: unknown = JSON.parse(entry)
  if (!isObject(value)) return null
  const isOurs = typeof value['task_id'] === 'string' && isObject(value['payload'])
  return isOurs ? JSON.stringify(value['payload']) : entry
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
