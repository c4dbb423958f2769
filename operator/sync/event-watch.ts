import type { EventLog } from '../api/event-log.ts'
import { eventsBetween, type Picture } from '../api/mesh-events.ts'
import type { ServiceReport } from '../core/desired.ts'
import type { Override } from '../core/diff.ts'
import type { Problem } from '../core/problem.ts'
import type { ChangeRecord } from './change-log.ts'
import type { CircuitRow } from './list-circuits.ts'

export interface EventSources {
  readonly services: () => readonly ServiceReport[]
  readonly circuits: () => readonly CircuitRow[]
  readonly overrides: () => readonly Override[]
  readonly problems: () => readonly Problem[]
  /** What was written after the change of this id, newest first. */
  readonly changes: (afterId: number) => readonly ChangeRecord[]
}

/** What happens at once is looked at once. */
const GATHER_MS = 100
/** The whole mesh is looked at: where something changes all the time, not more often than this. */
const APART_MS = 400
/** Some things end without anybody saying so, such as what a silent process told. */
const LOOK_MS = 2_000

/** Looks at the mesh when something may have happened, and makes events of what is otherwise than before. */
export class EventWatch {
  readonly #sources: EventSources
  readonly #events: EventLog
  readonly #interval: NodeJS.Timeout
  #timer: NodeJS.Timeout | null = null
  #before: Picture | null = null
  #services: readonly ServiceReport[] | null = null
  #lastChangeId = 0
  #lookedMs = Number.NEGATIVE_INFINITY

  constructor(sources: EventSources, events: EventLog) {
    this.#sources = sources
    this.#events = events
    this.#interval = setInterval(() => this.poke(), LOOK_MS)
    this.#interval.unref()
  }

  /** Something may have happened. */
  poke(): void {
    if (this.#timer !== null) return
    // What is there at first is no news: nothing is to fall into the time before the first look.
    const apartMs = this.#before === null ? 0 : APART_MS
    const waitMs = Math.max(GATHER_MS, this.#lookedMs + apartMs - performance.now())
    this.#timer = setTimeout(() => {
      this.#timer = null
      this.look()
    }, waitMs)
    this.#timer.unref()
  }

  look(): void {
    this.#lookedMs = performance.now()
    const after = this.#picture()
    const { health } = after
    this.#lastChangeId = after.changes[0]?.id ?? this.#lastChangeId
    // What was there before this operator is no news.
    if (this.#before !== null) for (const event of eventsBetween(this.#before, after)) this.#events.add(event)
    if (this.#before !== null || health.size > 0) this.#before = after
  }

  stop(): void {
    clearInterval(this.#interval)
    if (this.#timer !== null) clearTimeout(this.#timer)
  }

  #picture(): Picture {
    const { services, circuits, overrides, problems, changes } = this.#sources
    return {
      health: this.#health(services()),
      circuits: new Map(
        circuits().map((row) => [[row.kind, row.service, row.target, row.address, row.node].join(' '), row]),
      ),
      overrides: new Map(
        overrides().map(({ id, kind, name, service, field, wanted, actual }) => [
          `${id} ${field}`,
          { entity: id, kind, name, service_name: service, field, wanted, actual },
        ]),
      ),
      problems: new Map(
        problems().map(({ code, severity, service, message }) => [
          `${code} ${service} ${message}`,
          { code, severity, service_name: service, message },
        ]),
      ),
      changes: changes(this.#lastChangeId),
    }
  }

  /** Of thousands of services hardly any differs from before: those keep their lists of instances. */
  #health(services: readonly ServiceReport[]): Picture['health'] {
    if (services === this.#services && this.#before !== null) return this.#before.health
    this.#services = services
    return new Map(services.map(({ service, instances }) => [service, instances]))
  }
}
