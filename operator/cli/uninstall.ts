import { inParallel } from '../consul/in-parallel.ts'
import { type Change, diff } from '../core/diff.ts'
import type { Entity } from '../core/entity.ts'
import type { KongWriter } from '../kong/kong-writer.ts'

const PARALLEL = 8
/** Somebody else writes to a Kong without database meanwhile: it is looked at again, so often at most. */
const MOST_LOOKS = 5
const OPTIONS = { policy: 'keep' } as const

/** What leaving one Kong means: what goes, and why something stays. */
export interface Leaving {
  readonly entities: readonly Entity[]
  /** Messages: somebody else's entity hangs on it. */
  readonly kept: readonly string[]
}

/**
 * Everything of this mesh in Kong, and nothing else: entities without its tags are not read as its own.
 * @throws KongError
 */
export async function planLeaving(writer: KongWriter, mesh: string): Promise<Leaving> {
  const { changes, kept } = await plan(writer, mesh)
  return { entities: changes.map(({ entity }) => entity), kept }
}

/**
 * Removes what there is: routes first, so that no route leads to an upstream that is gone. Each entity is read again
 * before it goes, so what somebody took over or hung something onto meanwhile stays.
 * @param onDone told after each entity how many are done, of how many
 * @returns what was removed and what stayed
 * @throws KongError; what is done until then is done, and another run goes on from there
 */
export async function leaveKong(
  writer: KongWriter,
  mesh: string,
  onDone: (done: number, total: number) => void,
): Promise<Leaving> {
  const removed: Entity[] = []
  const kept = new Set<string>()
  for (let look = 1; ; look++) {
    const { changes, kept: inUse } = await plan(writer, mesh)
    for (const message of inUse) kept.add(message)
    let isOutdated = false
    let done = 0
    for (const step of writer.steps(changes)) {
      await inParallel(step, PARALLEL, async (change) => {
        const { entity } = change
        const executed = await writer.execute(change, null, { ...OPTIONS, mesh })
        if (executed.wrote) removed.push(entity)
        if (executed.isOutdated) isOutdated = true
        const [user] = executed.users ?? []
        if (user !== undefined) kept.add(keptFor(entity, user))
        onDone(++done, changes.length)
      })
    }
    if (!isOutdated) return { entities: removed, kept: [...kept] }
    if (look === MOST_LOOKS)
      throw new Error('somebody else keeps writing to this Kong: nothing was removed; try again')
  }
}

async function plan(
  writer: KongWriter,
  mesh: string,
): Promise<{ readonly changes: readonly Change[]; readonly kept: readonly string[] }> {
  const { changes, conflicts } = diff(await writer.read(), new Map(), { ...OPTIONS, mesh })
  return { changes, kept: conflicts.map(({ message }) => message) }
}

const keptFor = (entity: Entity, user: Entity): string =>
  `${entity.kind} ${entity.name || entity.id} stays, since ${user.kind} ${user.name || user.id} (not managed by kongsul) uses it; remove that one first`
