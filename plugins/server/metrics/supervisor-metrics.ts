import { Counter, Gauge, Registry } from 'prom-client'
import type { WorkerEnd } from '../process/worker-process.ts'

/** What the supervisor's metrics are read from. */
export interface SupervisorFacts {
  readonly workers: {
    readonly working: unknown
    readonly waiting: { readonly isReady: boolean } | null
    readonly restarts: Readonly<Record<WorkerEnd, number>>
  }
  readonly standIn: { readonly served: number }
  readonly files: { readonly kept: number }
}

/** Metrics of the supervisor itself; those of the work are the worker's. */
export function createSupervisorMetrics({ workers, standIn, files }: SupervisorFacts): {
  readonly registry: Registry
} {
  const registry = new Registry()
  const registers = [registry]
  new Counter({
    name: 'mesh_plugin_restarts_total',
    help: 'Processes that were replaced, by why they ended.',
    labelNames: ['reason'],
    registers,
    collect() {
      this.reset()
      for (const [reason, count] of Object.entries(workers.restarts)) this.inc({ reason }, count)
    },
  })
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read())
      },
    })
  gauge('mesh_plugin_worker_up', '1 while there is a working process.', () => (workers.working ? 1 : 0))
  gauge('mesh_plugin_standby_ready', '1 while a second process is ready to take over.', () =>
    workers.waiting?.isReady ? 1 : 0,
  )
  gauge(
    'mesh_plugin_parent_files_kept',
    'The same as mesh_plugin_files_kept, of the parent of the processes.',
    () => files.kept,
  )
  new Counter({
    name: 'mesh_plugin_stand_in_connections_total',
    help: 'Connections that the supervisor answered itself, letting every request pass.',
    registers,
    collect() {
      this.reset()
      this.inc(standIn.served)
    },
  })
  return { registry }
}
