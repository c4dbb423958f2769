import { Counter, type Registry } from 'prom-client'
import { readKernelDrops } from './kernel-drops.ts'
import { SOURCES } from './outcome.ts'
import { LINE_FAULTS } from './parse-line.ts'
import type { UdpFeed } from './udp-feed.ts'

/** Registers the counters of the feed; they are read when somebody asks for them. */
export function registerFeedMetrics(registry: Registry, feed: Pick<UdpFeed, 'counts' | 'port'>): void {
  const registers = [registry]
  const { counts, port } = feed
  new Counter({
    name: 'mesh_outcomes_total',
    help: 'Requests whose outcome was read from the access log, by who answered.',
    labelNames: ['source'],
    registers,
    collect() {
      this.reset()
      for (const source of SOURCES) this.inc({ source }, counts.outcomes[source])
    },
  })
  new Counter({
    name: 'mesh_outcome_lines_rejected_total',
    help: 'Datagrams that were no line of ours, by reason.',
    labelNames: ['reason'],
    registers,
    collect() {
      this.reset()
      for (const reason of LINE_FAULTS) this.inc({ reason }, counts.rejected[reason])
    },
  })
  const counter = (name: string, help: string, read: () => number | Promise<number>) =>
    new Counter({
      name,
      help,
      registers,
      async collect() {
        const value = await read()
        this.reset()
        this.inc(value)
      },
    })
  counter(
    'mesh_outcomes_unattributed_total',
    'Outcomes of requests without the headers of mesh-tracing: they count for no service.',
    () => counts.withoutMesh,
  )
  counter(
    'mesh_outcome_failures_total',
    'Outcomes that were read and could not be used.',
    () => counts.failed,
  )
  counter(
    'mesh_outcome_lines_dropped_total',
    'Datagrams that the kernel threw away because they were not taken in time; 0 where it does not say.',
    async () => (await readKernelDrops(port)) ?? 0,
  )
}
