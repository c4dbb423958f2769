import type { FastifyInstance } from 'fastify'
import type { ConsulReader } from '../consul/consul-reader.ts'
import type { KvWriter } from '../consul/kv-writer.ts'
import { isMode, modesOf } from '../core/mesh-view.ts'
import { pluginsUnreached } from '../core/plugins-unreached.ts'
import type { Problem } from '../core/problem.ts'
import { circuitRoutes } from '../http/circuit-routes.ts'
import { type InternalRouteOptions, internalRoutes } from '../http/internal-routes.ts'
import { readEntity } from '../kong/execute.ts'
import { CircuitBook } from './circuit-book.ts'
import { editSettings, settingsKey } from './edit-settings.ts'
import type { EjectionBook } from './ejection-book.ts'
import { ForcedByHand } from './forced-by-hand.ts'
import { withoutLetGo } from './let-go-circuits.ts'
import { type CircuitRow, listCircuits } from './list-circuits.ts'
import type { MeshFeed } from './mesh-feed.ts'
import type { PluginPresence } from './plugin-presence.ts'
import type { Reconciler } from './reconciler.ts'

export interface PluginApiOptions extends Pick<InternalRouteOptions, 'token' | 'onOutcome' | 'signal'> {
  readonly reader: ConsulReader
  readonly writer: KvWriter
  readonly reconciler: Pick<
    Reconciler,
    'overrides' | 'knows' | 'hasDecided' | 'mirror' | 'snapshot' | 'kong' | 'noteEntity'
  >
  readonly ejections: EjectionBook
  readonly presence: PluginPresence
  readonly feed: MeshFeed
  /** Told when a process has told of its circuits. */
  readonly onTold: () => void
}

export interface PluginApi {
  readonly parts: readonly ((app: FastifyInstance) => void)[]
  circuits(): readonly CircuitRow[]
  /** Of the nodes whose Kong does not reach its plugin process. */
  problems(): readonly Problem[]
}

/** What plugin processes tell and wait for, and what people ask and say of circuits. */
export function createPluginApi(options: PluginApiOptions): PluginApi {
  const { reader, writer, reconciler, ejections, presence, feed, token, onOutcome, onTold, signal } = options
  const book = new CircuitBook()
  const modesByHand = () => reconciler.overrides().filter(isMode)
  const forced = new ForcedByHand({
    serviceOf: (id) => feed.current().find(({ serviceId }) => serviceId === id)?.service,
    entitiesOf: (service) => reconciler.mirror.part(service, []).values(),
    read: (entity) => readEntity(reconciler.kong.admin, entity),
    found: (entity, service) => reconciler.noteEntity(entity, service, 'forced open by hand'),
  })
  const circuits = () => {
    const views = feed.current()
    const byHand = new Set(modesByHand().map(({ service }) => service))
    const modes = modesOf(views, reconciler.overrides())
    const rows = listCircuits(book.nodes(), ejections.list(), views, modes, byHand)
    return withoutLetGo(rows, (service) => forced.isForced(service))
  }
  return {
    circuits,
    problems: () => pluginsUnreached(book.nodes()),
    parts: [
      circuitRoutes({
        list: circuits,
        processes: () =>
          book.nodes().map(({ node, atMs, version = null, fromKong = null }) => ({
            ...{ node, version },
            from_kong: fromKong,
            told_at: new Date(atMs).toISOString(),
          })),
        knows: (service) => reconciler.knows(service),
        services: () => reconciler.snapshot?.services.keys() ?? [],
        setMode: async (service, mode) => {
          const change = { path: 'circuitBreaker.mode', value: mode }
          await editSettings({ reader, writer }, settingsKey(service), [change])
        },
        modeByHand: (service) => {
          const byHand = modesByHand().find((each) => each.service === service)
          return byHand === undefined ? null : String(byHand.actual)
        },
      }),
      internalRoutes({
        ...{ token, ejections, onOutcome, signal },
        circuits: {
          note: (told, connection) => {
            book.note(told)
            forced.note(told)
            if (presence.heard(told.node, connection)) {
              connection.once('close', () => presence.closed(told.node, connection))
              // It may have been closed while it was read, and tell of that no more.
              if (connection.destroyed) presence.closed(told.node, connection)
            }
            onTold()
          },
        },
        feed: () => (reconciler.hasDecided ? feed : null),
      }),
    ],
  }
}
