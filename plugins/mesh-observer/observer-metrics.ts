import { Counter, type Registry } from 'prom-client'
import { SOURCES } from '../outcomes/outcome.ts'
import type { RecentRequests } from '../outcomes/recent-requests.ts'
import type { Observer } from './observer.ts'

const DROPS = ['malformed', 'lost', 'failed'] as const

/** Registers the counters of the log phase; they are read when somebody asks for them. */
export function registerObserverMetrics(
  registry: Registry,
  { counts }: Pick<Observer, 'counts'>,
  recent: Pick<RecentRequests, 'repeats'>,
): void {
  const registers = [registry]
  new Counter({
    name: 'mesh_observed_outcomes_total',
    help: 'Requests whose outcome mesh-observer told, by who answered.',
    labelNames: ['source'],
    registers,
    collect() {
      this.reset()
      for (const source of SOURCES) this.inc({ source }, counts.outcomes[source])
    },
  })
  new Counter({
    name: 'mesh_observer_records_dropped_total',
    help: 'Records of the log phase that gave no outcome, by reason.',
    labelNames: ['reason'],
    registers,
    collect() {
      this.reset()
      for (const reason of DROPS) this.inc({ reason }, counts[reason])
    },
  })
  new Counter({
    name: 'mesh_outcomes_repeated_total',
    help: 'Outcomes of requests that had been told of: they count once.',
    registers,
    collect() {
      this.reset()
      this.inc(recent.repeats)
    },
  })
}
