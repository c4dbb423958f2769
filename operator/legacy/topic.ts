/** Topics of the old mesh and the keys that Redis holds for them. */

export const TOPIC = /^[a-z0-9:_-]{1,64}$/

export const tasksKey = (topic: string): string => `stream:tasks:${topic}`
export const resultsKey = (topic: string): string => `stream:results:${topic}`
export const deadKey = (topic: string): string => `stream:dead:${topic}`

/** Tasks of mode `mesh` that are accepted and not answered yet. Only operators read it. */
export const callsKey = (topic: string): string => `stream:calls:${topic}`

/** Topics that ever had such tasks: where an operator that starts looks for what another one left. */
export const CALL_TOPICS_KEY = 'mesh:migration:topics'

export const AGENT_PREFIX = 'mesh:agent:'

/** Group that old workers read tasks with unless they name another. */
export const WORKER_GROUP = 'default'

/** Group in which operators share the calls of a topic. */
export const CALL_GROUP = 'kongsul'

/** About how many entries a stream keeps, as ever. */
export const STREAM_LENGTH = 10_000

/** The topic of a `stream:tasks:` key; null for another key. */
export function topicOfTasksKey(key: string): string | null {
  const prefix = tasksKey('')
  const topic = key.slice(prefix.length)
  return key.startsWith(prefix) && TOPIC.test(topic) ? topic : null
}
