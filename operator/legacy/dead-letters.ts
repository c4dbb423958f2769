import { replayAsCall } from './call-store.ts'
import { type EnqueueParts, migrationOf, planOf } from './enqueue.ts'
import { readDead, readNewestDead, replayAsTask } from './queue-store.ts'
import { idAfter, type StreamEntry } from './stream-entry.ts'
import { deadTask } from './task-call.ts'
import { STREAM_LENGTH } from './topic.ts'

/** What a replay did. */
export interface DeadLetters {
  /** Old and new ids, oldest first. */
  readonly replayed: readonly { readonly dead_id: string; readonly id: string }[]
  /** Ids of entries that hold no task, or that are gone: they were left alone. */
  readonly skipped: readonly string[]
}

const BATCH = 100

/**
 * Starts the tasks of dead letters again, in the mode that the topic has now, with new ids, and takes the letters away.
 * Two replays at once start each task once.
 * @param ids null for all that are there now
 */
export async function replayDead(
  parts: EnqueueParts,
  topic: string,
  ids: readonly string[] | null,
): Promise<DeadLetters> {
  const replayed: { dead_id: string; id: string }[] = []
  const skipped: string[] = []
  const wanted = ids === null ? null : new Set(ids)
  // What dies while this runs is not started again by it.
  const until = (await readNewestDead(parts.run, topic, 1))[0]?.id ?? '-'
  let from = '-'
  for (let seen = 0; seen < 2 * STREAM_LENGTH; ) {
    const entries = await readDead(parts.run, topic, from, until, BATCH)
    if (entries.length === 0) break
    seen += entries.length
    from = idAfter(entries.at(-1)!.id)
    const meant = entries.filter(({ id }) => wanted === null || wanted.delete(id))
    const added = await Promise.all(meant.map((entry) => replayOne(parts, topic, entry)))
    meant.forEach(({ id: deadId }, index) => {
      const id = added[index]
      if (id === null || id === undefined) skipped.push(deadId)
      else replayed.push({ dead_id: deadId, id })
    })
  }
  return { replayed, skipped: [...skipped, ...(wanted ?? [])] }
}

async function replayOne(
  { run, book, count, mirror, kick }: EnqueueParts,
  topic: string,
  { id: deadId, fields }: StreamEntry,
): Promise<string | null> {
  const migration = migrationOf(book, topic)
  const text = deadTask(fields.get('json') ?? '')
  if (text === null) return null
  const plan = planOf(migration, {})
  if (migration.mode === 'mesh' && plan !== null) {
    const id = await replayAsCall(run, topic, deadId, text, plan)
    if (id !== null) {
      count(topic, 'mesh', 'accepted')
      kick(topic)
    }
    return id
  }
  const id = await replayAsTask(run, topic, deadId, text)
  if (id === null) return null
  count(topic, migration.mode, 'queued')
  if (migration.mode === 'mirror' && plan !== null) mirror.offer({ id, topic, text }, plan)
  return id
}
