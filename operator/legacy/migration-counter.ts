import type { Counter } from 'prom-client'
import type { MigrationMode } from './migration.ts'

/** What became of a task, as `mesh_migration_tasks_total` counts it. */
export type TaskResult =
  | 'queued'
  | 'mirrored'
  | 'mirror_failed'
  | 'mirror_dropped'
  | 'accepted'
  | 'answered'
  | 'dead'
  | 'refused'

export type MigrationCounter = (topic: string, mode: MigrationMode, result: TaskResult) => void

/** Topics that never get a document share this label once there are many. No topic can be called so. */
export const OTHER_TOPICS = '*'
const MOST_MIGRATED = 500
const MOST_OTHERS = 50

/** Clients choose the names of topics: a label for each would let them fill the metrics. */
export function createMigrationCounter(
  counter: Counter,
  isMigrated: (topic: string) => boolean,
): MigrationCounter {
  const migrated = new Set<string>()
  const others = new Set<string>()
  const labelOf = (topic: string): string => {
    if (migrated.has(topic) || others.has(topic)) return topic
    const [names, most] = isMigrated(topic) ? [migrated, MOST_MIGRATED] : [others, MOST_OTHERS]
    if (names.size >= most) return OTHER_TOPICS
    names.add(topic)
    return topic
  }
  return (topic, mode, result) => counter.inc({ topic: labelOf(topic), mode, result })
}
