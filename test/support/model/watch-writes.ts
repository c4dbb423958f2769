// What must be true at every write of an operator.
import { isDeepStrictEqual } from 'node:util'
import type { Answered, Asked } from '../chaos-proxy.ts'
import { flatten } from './edits.ts'
import { subjectOf } from './kong-replica.ts'
import type { OperatorId } from './program.ts'
import type { RoutableWatch } from './routable.ts'
import type { World } from './world.ts'

/** Requests that may have been on the wire when somebody else took over. */
const MOST_STRAYS = 8

/** Longest between an operator's look at an entity and its write. */
const LOOK_MS = 5000

export function watchWrites(world: World, routable: RoutableWatch): void {
  const looks = new Map<string, { tick: number; ms: number }>()
  let strays = 0

  world.onRead = (operator, path) => {
    const id = subjectOf(path)?.id
    if (id) looks.set(`${operator} ${id}`, { tick: world.tick(), ms: performance.now() })
  }

  world.beforeWrite = (operator, { method, path }) => {
    leadership(operator, method, path)
    const id = subjectOf(path)?.id ?? null
    if (id === null) return null
    const look = looks.get(`${operator} ${id}`)
    if (look === undefined) {
      world.violated(`${operator} wrote ${path} without having looked at it`)
      return null
    }
    if (touchedAt(id, method === 'DELETE') < look.tick) return null
    if (performance.now() - look.ms > LOOK_MS) {
      world.violated(`${operator} wrote ${path} by a look that was older than the person's write`)
    }
    // Kong cannot tell, nor can the operator: one of the two has to lose, and here it is not the person.
    return 500
  }

  /** When a person last wrote the entity; before a removal, or anything that hangs on it. */
  const touchedAt = (id: string, withChildren: boolean): number => {
    const children = [...world.replica.all()].filter(({ row }) =>
      [row.service?.id, row.route?.id, row.upstream?.id].includes(id),
    )
    const ids = withChildren ? [id, ...children.map(({ row }) => String(row.id))] : [id]
    return Math.max(...ids.map((each) => world.touched.get(each) ?? 0))
  }

  const leadership = (operator: OperatorId, method: string, path: string) => {
    const leading = [...world.operators].filter(([, running]) => running.operator.status().leading)
    if (leading.length > 1) world.violated('two operators lead')
    if (leading.length === 0 || leading.some(([id]) => id === operator)) return
    strays += 1
    world.note(`stray write of ${operator}`)
    if (strays > MOST_STRAYS)
      world.violated(`${operator} goes on writing while another leads: ${method} ${path}`)
  }

  world.onWrite = (operator, asked: Asked, { status }: Answered) => {
    const { method, path } = asked
    const id = subjectOf(path)?.id ?? null
    if (id !== null && world.foreign.has(id)) world.violated(`${operator} ${method} ${path} is not ours`)
    if (status >= 400) return
    if (id !== null && method !== 'DELETE') {
      const now = flatten(world.replica.get(id)?.row ?? {})
      for (const edit of world.edits.of(id)) {
        if (edit.certainty === 'sure' && !isDeepStrictEqual(now.get(edit.field), edit.value)) {
          world.violated(`${operator} overwrote ${edit.field} of ${path}: ${asked.body}`)
        }
      }
    }
    for (const what of routable.broken()) world.violated(`${what}, after ${operator} ${method} ${path}`)
  }
}
