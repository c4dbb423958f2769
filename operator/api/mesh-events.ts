/** What happened between two looks at the mesh. Pure. */

export const EVENT_KINDS = ['reconcile', 'health', 'breaker', 'override', 'alert', 'canary'] as const
export type EventKind = (typeof EVENT_KINDS)[number]

export interface MeshEvent {
  readonly kind: EventKind
  readonly data: unknown
}

export interface Picture {
  /** Instances by service. The list of a service is the same one as before where nothing in it differs. */
  readonly health: ReadonlyMap<string, readonly InstanceNow[]>
  /** By place and plugin process. */
  readonly circuits: ReadonlyMap<string, CircuitNow>
  /** By entity and field. */
  readonly overrides: ReadonlyMap<string, object>
  /** By code, service and message. */
  readonly problems: ReadonlyMap<string, object>
  /** What was written to Kong lately, newest first. */
  readonly changes: readonly { readonly id: number }[]
}

export interface InstanceNow {
  readonly node: string
  readonly id: string
  readonly health: string
}

export interface CircuitNow {
  readonly kind: string
  readonly service: string
  readonly instance_id: string | null
  readonly state: string
  readonly reason: string
  readonly node: string | null
}

/** In the order: what was written, then what is otherwise than before. */
export function eventsBetween(before: Picture, after: Picture): readonly MeshEvent[] {
  const lastId = before.changes[0]?.id ?? 0
  const written = after.changes.filter(({ id }) => id > lastId).reverse()
  return [
    ...written.map((data) => ({ kind: 'reconcile' as const, data })),
    ...healthEvents(before.health, after.health),
    ...circuitEvents(before.circuits, after.circuits),
    ...cameAndWent('override', before.overrides, after.overrides, ['kept', 'released']),
    ...cameAndWent('alert', before.problems, after.problems, ['raised', 'cleared']),
  ]
}

function healthEvents(before: Picture['health'], after: Picture['health']): MeshEvent[] {
  const gone = [...before].flatMap(([service, known]) =>
    after.get(service) === known ? [] : goneFrom(service, known, after.get(service) ?? []),
  )
  const other = [...after].flatMap(([service, now]) =>
    before.get(service) === now ? [] : otherIn(service, before.get(service) ?? [], now),
  )
  return [...gone, ...other]
}

function goneFrom(
  service: string,
  before: readonly InstanceNow[],
  after: readonly InstanceNow[],
): MeshEvent[] {
  const left = new Set(after.map(instanceKey))
  return before
    .filter((each) => !left.has(instanceKey(each)))
    .map(({ id, health }) => healthEvent(service, id, health, 'gone'))
}

function otherIn(
  service: string,
  before: readonly InstanceNow[],
  after: readonly InstanceNow[],
): MeshEvent[] {
  const known = new Map(before.map((each) => [instanceKey(each), each.health]))
  return after.flatMap((each) => {
    const from = known.get(instanceKey(each)) ?? null
    return from === each.health ? [] : [healthEvent(service, each.id, from, each.health)]
  })
}

const instanceKey = ({ node, id }: InstanceNow): string => `${node}/${id}`

const healthEvent = (service: string, id: string, from: string | null, to: string): MeshEvent => ({
  kind: 'health',
  data: { service_name: service, instance_id: id, from, to },
})

/** One that is not told of any more is no transition. */
function circuitEvents(before: Picture['circuits'], after: Picture['circuits']): MeshEvent[] {
  return [...after].flatMap(([key, { kind, service, instance_id, state, reason, node }]) => {
    const from = before.get(key)?.state ?? 'closed'
    if (from === state || (before.get(key) === undefined && state === 'unknown')) return []
    const data = { kind, service_name: service, instance_id, from, to: state, reason, node }
    return [{ kind: 'breaker' as const, data }]
  })
}

function cameAndWent(
  kind: EventKind,
  before: ReadonlyMap<string, object>,
  after: ReadonlyMap<string, object>,
  [came, went]: readonly [string, string],
): MeshEvent[] {
  const fresh = [...after].filter(([key]) => !before.has(key))
  const gone = [...before].filter(([key]) => !after.has(key))
  return [
    ...fresh.map(([, data]) => ({ kind, data: { ...data, what: came } })),
    ...gone.map(([, data]) => ({ kind, data: { ...data, what: went } })),
  ]
}
