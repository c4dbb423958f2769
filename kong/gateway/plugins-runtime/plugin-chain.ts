import type { Change, Row, Store } from '../store.ts'
import type { Configured, Plugin } from './plugin.ts'

/** One plugin of a route's chain, with the configurations it may run with, the most specific first. */
export interface ChainLink {
  readonly plugin: Plugin
  readonly candidates: readonly Candidate[]
}

interface Candidate extends Configured<never> {
  readonly consumerId: string | null
}

/** The configuration that applies to a consumer (null: nobody known); undefined when the plugin does not run. */
export function configurationFor(link: ChainLink, consumerId: string | null): Configured<never> | undefined {
  return link.candidates.find(
    (candidate) => candidate.consumerId === null || candidate.consumerId === consumerId,
  )
}

/** Which plugins run for a route, in order. Chains are made when first asked for and dropped when a plugin changes. */
export class PluginChains {
  readonly #store: Store
  readonly #plugins: ReadonlyMap<string, Plugin>
  #chains = new Map<string, readonly ChainLink[]>()
  #unscoped: readonly Row[] | null = null
  /** The number of each configuration, by plugin id; all are numbered anew after a change, as in Kong. */
  #seqs = new Map<string, number>()
  #lastSeq = 0

  constructor(store: Store, plugins: readonly Plugin[]) {
    this.#store = store
    this.#plugins = new Map(plugins.map((plugin) => [plugin.name, plugin]))
    store.onChange((change) => this.#follow(change))
  }

  /** For a request that met no route or service give null. */
  chain(routeId: string | null, serviceId: string | null): readonly ChainLink[] {
    const key = `${routeId}|${serviceId}`
    let chain = this.#chains.get(key)
    if (!chain) {
      chain = this.#build(routeId, serviceId)
      this.#chains.set(key, chain)
    }
    return chain
  }

  #follow({ collection }: Change): void {
    if (collection !== 'plugins') return
    this.#chains = new Map()
    this.#unscoped = null
    this.#seqs = new Map()
  }

  #build(routeId: string | null, serviceId: string | null): readonly ChainLink[] {
    const rows = new Map<string, Row[]>()
    for (const row of this.#scoped(routeId, serviceId)) {
      const name = row.name as string
      rows.set(name, [...(rows.get(name) ?? []), row])
    }
    return [...rows]
      .flatMap(([name, found]) => {
        const plugin = this.#plugins.get(name)
        return plugin
          ? [{ plugin, candidates: found.sort(byPrecedence).map((row) => this.#candidate(row)) }]
          : []
      })
      .sort((a, b) => b.plugin.priority - a.plugin.priority || (a.plugin.name > b.plugin.name ? -1 : 1))
  }

  #candidate(row: Row): Candidate {
    const seq = this.#seqs.get(row.id) ?? ++this.#lastSeq
    this.#seqs.set(row.id, seq)
    return { id: row.id, config: row.config as never, seq, row, consumerId: idOf(row, 'consumer') }
  }

  *#scoped(routeId: string | null, serviceId: string | null): Iterable<Row> {
    this.#unscoped ??= [...this.#store.all('plugins')].filter(
      (row) => row.enabled !== false && idOf(row, 'route') === null && idOf(row, 'service') === null,
    )
    yield* this.#unscoped
    if (routeId !== null) {
      for (const row of this.#store.children('plugins', 'route', routeId)) {
        const service = idOf(row, 'service')
        if (row.enabled !== false && (service === null || service === serviceId)) yield row
      }
    }
    if (serviceId === null) return
    for (const row of this.#store.children('plugins', 'service', serviceId)) {
      if (row.enabled !== false && idOf(row, 'route') === null) yield row
    }
  }
}

/** Kong 3.9: route+service+consumer, route+consumer, service+consumer, route+service, consumer, route, service, none. */
function byPrecedence(a: Row, b: Row): number {
  return rank(b) - rank(a)
}

function rank(row: Row): number {
  const consumer = idOf(row, 'consumer') !== null
  const route = idOf(row, 'route') !== null
  const service = idOf(row, 'service') !== null
  if (consumer && route && service) return 7
  if (consumer && route) return 6
  if (consumer && service) return 5
  if (route && service) return 4
  if (consumer) return 3
  if (route) return 2
  return service ? 1 : 0
}

function idOf(row: Row, field: 'route' | 'service' | 'consumer'): string | null {
  return (row[field] as { id: string } | null | undefined)?.id ?? null
}
