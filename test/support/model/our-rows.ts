// What kongsul has made in Kong, found by the name of a service; and removed, as a person does.
import type { Kind, Row } from './kong-replica.ts'
import type { RoutableWatch } from './routable.ts'
import type { World } from './world.ts'

/** More than that and the operator lets it be, as it says it does. */
const MOST_REMOVALS = 2

export class OurRows {
  readonly #world: World
  readonly #routable: RoutableWatch

  constructor(world: World, routable: RoutableWatch) {
    this.#world = world
    this.#routable = routable
  }

  find(kind: Kind, name: string): Row | undefined {
    const { replica, foreign } = this.#world
    if (kind === 'target') {
      const upstream = this.find('upstream', name)
      return upstream && replica.targetsOf(upstream.id).find(({ id }) => !foreign.has(id))
    }
    const row = replica.byName(kind, nameOf(kind, name))
    return row === undefined || foreign.has(row.id) ? undefined : row
  }

  async remove(kind: Kind, row: Row, name: string): Promise<boolean> {
    const { replica, removals } = this.#world
    const routes = kind === 'service' ? this.#routesOf(row.id) : []
    const all: [Kind, Row][] = [...routes.map((route): [Kind, Row] => ['route', route]), [kind, row]]
    const keyOf = ([each, { id }]: [Kind, Row]) => `${each} ${id}`
    if (all.some((each) => (removals.get(keyOf(each)) ?? 0) >= MOST_REMOVALS)) return false
    // Kong takes these along, and so would the person: they are not the operator's to lose.
    const isUsed = [...replica.all()].some(
      (held) =>
        this.#world.foreign.has(held.row.id) && held.row.service?.id === row.id && held.kind === 'route',
    )
    if (isUsed) return false
    if (kind === 'target' || kind === 'upstream') this.#routable.release(name)
    for (const each of all) {
      removals.set(keyOf(each), (removals.get(keyOf(each)) ?? 0) + 1)
      if ((await this.#world.write('DELETE', pathOf(each[0], each[1]))).status !== 204) return false
    }
    return true
  }

  #routesOf(serviceId: string): Row[] {
    const { replica, foreign } = this.#world
    const routes = [...replica.all()].filter(
      ({ kind, row }) => kind === 'route' && row.service?.id === serviceId,
    )
    return routes.map(({ row }) => row).filter(({ id }) => !foreign.has(id))
  }
}

export const nameOf = (kind: Kind, service: string): string =>
  kind === 'upstream' ? `${service}.mesh` : kind === 'route' ? `mesh.${service}.host` : `mesh.${service}`

export const pathOf = (kind: Kind, row: Row): string =>
  kind === 'target' ? `/upstreams/${row.upstream.id}/targets/${row.id}` : `/${kind}s/${row.id}`
