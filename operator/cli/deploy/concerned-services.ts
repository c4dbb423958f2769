import type { Entity, Json, KongState } from '../../core/entity.ts'
import type { PlannedChange } from '../../core/plan-report.ts'

export interface Plans {
  /** What Kong lacks now. */
  readonly before: readonly PlannedChange[]
  /** What it lacks once Consul has the changes. */
  readonly after: readonly PlannedChange[]
  /** What Kong should hold then. */
  readonly wanted: KongState
}

/**
 * Services of which Kong is to hold something else because of changes in Consul: those of a file, those that win or lose a host
 * or path to them, and those without whose entities theirs cannot be written. Of others nothing has to be written. Pure.
 * @param own services of the file
 */
export function concernedServices(
  own: readonly string[],
  { before, after, wanted }: Plans,
): ReadonlySet<string> {
  const concerned = new Set(own)
  const was = new Set(before.map(textOf))
  const willBe = new Set(after.map(textOf))
  for (const change of before) if (!willBe.has(textOf(change))) concerned.add(change.service)
  for (const change of after) if (!was.has(textOf(change))) concerned.add(change.service)
  const lacking = new Map(
    after.flatMap(({ action, id, service }) => (action === 'create' ? [[id, service]] : [])),
  )
  // A set takes in what is added while it is gone through: needs of needs are looked at as well.
  for (const service of concerned) {
    for (const entity of wanted.values()) {
      if (entity.owner !== service) continue
      for (const id of neededBy(entity)) {
        const owner = lacking.get(id)
        if (owner !== undefined) concerned.add(owner)
      }
    }
  }
  return concerned
}

const textOf = (change: PlannedChange): string => JSON.stringify(change)

/** Ids of what has to be in Kong before it. */
function neededBy({ parent, fields }: Entity): readonly string[] {
  const ids = Object.values(fields).map((value: Json) =>
    typeof value === 'object' && value !== null && 'id' in value ? value.id : null,
  )
  return [parent, ...ids].filter((id): id is string => typeof id === 'string' && id !== '')
}
