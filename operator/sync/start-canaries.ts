import type { FastifyInstance } from 'fastify'
import type { EventLog } from '../api/event-log.ts'
import type { ConsulReader } from '../consul/consul-reader.ts'
import { createEntryWriter } from '../consul/entry-writer.ts'
import type { KvWriter } from '../consul/kv-writer.ts'
import { type Ejection, ejectionsOf, isWhollyOut } from '../core/ejections.ts'
import type { Problem } from '../core/problem.ts'
import type { KvRows } from '../core/settings-status.ts'
import { canaryRoutes } from '../http/canary-routes.ts'
import { CanaryTraffic } from '../metrics/canary-traffic.ts'
import type { ToldOutcome } from '../metrics/told-outcome.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import { CanaryBook } from './canary-book.ts'
import { CanaryEntries } from './canary-entries.ts'
import { CanaryRunner } from './canary-runner.ts'
import type { CanaryView } from './canary-view.ts'
import type { KongFleet } from './kong-fleet.ts'
import type { ConsulConfig } from './operator-config.ts'

export interface CanarySources {
  readonly consul: ConsulConfig
  readonly reader: ConsulReader
  readonly writer: KvWriter
  readonly metrics: Metrics
  readonly log: Logger
  readonly fleet: KongFleet
  readonly events: () => Pick<EventLog, 'add'>
  readonly ejections: () => readonly Ejection[]
  readonly isPaused: (service: string) => boolean
  readonly consulDoubt: () => string | null
  readonly isActive: () => boolean
}

export interface Canaries {
  readonly parts: readonly ((app: FastifyInstance) => void)[]
  noteOutcome(outcome: ToldOutcome): void
  problems(): readonly Problem[]
  /** What KV holds now. */
  setRows(rows: KvRows): void
  /** With each resync. */
  review(): void
  stop(): void
}

/** Puts canaries together: what KV holds of them, what is counted, and who moves them on. */
export function startCanaries(sources: CanarySources): Canaries {
  const { reader, writer, log, fleet } = sources
  const reconciler = fleet.primary
  const entryWriter = createEntryWriter(sources.consul, sources.metrics)
  const entries = new CanaryEntries(reader, entryWriter)
  const traffic = new CanaryTraffic()
  const book: CanaryBook = new CanaryBook({
    ...{ writer, entries, log },
    onChange: (canary) => tell(runner.view(canary)),
  })
  const runner: CanaryRunner = new CanaryRunner({
    ...{ book, entries, traffic, log },
    isActive: sources.isActive,
    snapshot: () => reconciler.snapshot,
    instances: (service) =>
      reconciler.desired.services.find((each) => each.service === service)?.instances ?? [],
    isEjected: (service, target) => {
      const ejections = sources.ejections()
      const upstreams = new Set(ejections.map(({ upstream }) => upstream))
      return [...upstreams].some(
        (upstream) =>
          reconciler.facts.serviceOfUpstream(upstream) === service &&
          isWhollyOut(ejectionsOf(ejections, upstream, target)),
      )
    },
    doubt: (service) =>
      sources.consulDoubt() ??
      (sources.isPaused(service) ? `${service} is paused: nothing is written to Kong` : null),
    hold: (service) => {
      const isLate = fleet.nodes().some(({ isUsed, pending }) => isUsed && pending.includes(service))
      return isLate ? 'Kong does not hold all of it yet' : null
    },
  })
  const tell = (canary: CanaryView): void => {
    sources.events().add({ kind: 'canary', data: canary })
    const { service, to, state, weight, decision } = canary
    const isBad = state === 'rolled_back' || state === 'paused'
    log[isBad ? 'warn' : 'info']('canary', { service, to, state, weight, reason: decision })
  }
  return {
    parts: [canaryRoutes(runner)],
    noteOutcome: (outcome) => traffic.note(outcome),
    problems: () => book.problems(Date.now()),
    setRows: (rows) => {
      book.setRows(rows)
      runner.look()
    },
    review: () => {
      if (sources.isActive()) void book.forgetOld(Date.now())
    },
    stop: () => {
      runner.stop()
      entryWriter.close()
    },
  }
}
