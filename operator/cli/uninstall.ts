import { inParallel } from '../consul/in-parallel.ts'
import { type Change, diff } from '../core/diff.ts'
import type { Problem } from '../core/problem.ts'
import type { KongWriter } from '../kong/kong-writer.ts'

const PARALLEL = 8
const OPTIONS = { policy: 'keep' } as const

/** What leaving one Kong means: what goes, and what stays because somebody else's entity hangs on it. */
export interface Leaving {
  readonly changes: readonly Change[]
  readonly kept: readonly Problem[]
}

/**
 * Everything of this mesh in Kong, and nothing else: entities without its tags are not read as its own.
 * @throws KongError
 */
export async function planLeaving(writer: KongWriter, mesh: string): Promise<Leaving> {
  const { changes, conflicts } = diff(await writer.read(), new Map(), { ...OPTIONS, mesh })
  return { changes, kept: conflicts }
}

/**
 * Removes what was planned: routes first, so that no route leads to an upstream that is gone. Each entity is read again
 * before it goes, so what somebody took over meanwhile stays.
 * @param onDone told after each entity how many are done
 * @throws KongError; what is done until then is done, and another run goes on from there
 */
export async function leaveKong(
  writer: KongWriter,
  { changes }: Leaving,
  mesh: string,
  onDone: (done: number) => void,
): Promise<void> {
  let done = 0
  for (const step of writer.steps(changes)) {
    await inParallel(step, PARALLEL, async (change) => {
      await writer.execute(change, null, { ...OPTIONS, mesh })
      onDone(++done)
    })
  }
}
