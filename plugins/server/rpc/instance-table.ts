import { handlersOf, instanceOf } from '../form/define-plugin.ts'
import { kongPdkFor } from '../form/kong-pdk.ts'
import { ChannelPdk } from '../form/pdk-calls.ts'
import type { LoadedPlugin, Phase } from '../form/plugin-module.ts'
import type { EventRun } from './event-run.ts'

/** What has to be known to go on with an instance in another process. */
export interface InstanceRecord {
  readonly id: number
  readonly plugin: string
  /** Kong's configuration, JSON text as it came. */
  readonly configText: string
  /** Seconds since 1970. */
  readonly startedAt: number
}

/** Runs one phase for an event. */
export type PhaseRunner = (phase: string, run: EventRun) => unknown

/** A configured plugin: one for each worker of Kong and plugin entity. */
export class Instance {
  readonly record: InstanceRecord
  readonly #plugin: LoadedPlugin
  lastUsedAt: number
  #config: Readonly<Record<string, unknown>> | undefined
  #runner: PhaseRunner | undefined

  constructor(record: InstanceRecord, plugin: LoadedPlugin, now: number) {
    this.record = record
    this.#plugin = plugin
    this.lastUsedAt = now
  }

  get config(): Readonly<Record<string, unknown>> {
    this.#config ??= JSON.parse(this.record.configText) as Readonly<Record<string, unknown>>
    return this.#config
  }

  /** Runs the handler of `phase`. It is made ready at its first event: one that throws then lets the request go on. */
  run(phase: string, run: EventRun): unknown {
    this.#runner ??= runnerFor(this.#plugin, this.config, this.record.id)
    return this.#runner(phase, run)
  }
}

function runnerFor(plugin: LoadedPlugin, raw: Readonly<Record<string, unknown>>, id: number): PhaseRunner {
  const functions = handlersOf(plugin.module)
  if (functions) {
    const instance = instanceOf(raw, id)
    const config = functions.configure(raw, instance) as never
    const { phases } = functions
    return (phase, run) => handlerOf(phases, plugin, phase)(new ChannelPdk(run), config, instance)
  }
  const object = new plugin.module.Plugin(raw)
  return (phase, run) => {
    handlerOf(object, plugin, phase)
    return object[phase as Phase]!(kongPdkFor(run))
  }
}

function handlerOf<H>(handlers: Partial<Record<Phase, H>>, plugin: LoadedPlugin, phase: string): H {
  const handler = handlers[phase as Phase]
  if (typeof handler === 'function') return handler
  throw new TypeError(`plugin ${plugin.name} handles no phase "${phase}"`)
}

/** Told of every instance that comes and goes, so that another process can go on with them. */
export interface InstanceObserver {
  started(record: InstanceRecord): void
  closed(id: number): void
}

/**
 * How long a closed instance still runs events, and how many do. Kong closes the old instance as soon as the new one
 * is there, while requests that began before are still on their way with its id. Told that there is none, each of them
 * would have Kong start all instances of the plugin anew, the old configuration among them.
 */
const LINGER_MS = 10_000
const MAX_LINGERING = 4_096

/** The instances of all plugins. */
export class InstanceTable {
  readonly #plugins: ReadonlyMap<string, LoadedPlugin>
  readonly #observer: InstanceObserver | null
  readonly #instances = new Map<number, Instance>()
  /** Closed ones, those closed first in front. */
  readonly #lingering = new Map<number, { readonly instance: Instance; readonly untilMs: number }>()
  #nextId: number

  /**
   * @param firstId id of the first instance. A server that starts anew must not give out ids that Kong still knows
   * from before: it would run them with another's configuration. Ids counted from the current second never meet.
   */
  constructor(
    plugins: ReadonlyMap<string, LoadedPlugin>,
    { firstId, observer = null }: { readonly firstId: number; readonly observer?: InstanceObserver | null },
  ) {
    this.#plugins = plugins
    this.#nextId = firstId
    this.#observer = observer
  }

  get(id: unknown): Instance | undefined {
    return this.#instances.get(id as number)
  }

  /** Whose event it is: also an instance that was closed a moment ago. */
  forEvent(id: unknown): Instance | undefined {
    return this.#instances.get(id as number) ?? this.#lingering.get(id as number)?.instance
  }

  /** @throws Error for a plugin that is not there, SyntaxError for a configuration that is no JSON object. */
  start(name: string, configText: string, { now, seconds }: { now: number; seconds: number }): Instance {
    const plugin = this.#plugins.get(name)
    if (!plugin) throw new Error(`${name} is not served here`)
    const record = { id: this.#nextId, plugin: name, configText, startedAt: seconds }
    const instance = new Instance(record, plugin, now)
    const { config } = instance
    if (typeof config !== 'object' || config === null) throw new SyntaxError('Config is no JSON object')
    this.#nextId++
    this.#instances.set(record.id, instance)
    this.#observer?.started(record)
    return instance
  }

  /** Takes over instances that another process started. Those of plugins that are not here are left out. */
  restore(records: Iterable<InstanceRecord>, now: number): void {
    for (const record of records) {
      const plugin = this.#plugins.get(record.plugin)
      if (plugin) this.#instances.set(record.id, new Instance(record, plugin, now))
      this.#nextId = Math.max(this.#nextId, record.id + 1)
    }
  }

  /** Ids below `id` are not given out any more. */
  skipTo(id: number): void {
    this.#nextId = Math.max(this.#nextId, id)
  }

  /** Events that are on their way are still run, see {@link forEvent}. */
  close(id: number, now: number): Instance | undefined {
    const instance = this.#instances.get(id)
    if (instance === undefined) return undefined
    this.forget(id, now)
    this.#observer?.closed(id)
    return instance
  }

  /** As {@link close}, for what another process has closed. */
  forget(id: number, now: number): void {
    const instance = this.#instances.get(id)
    if (instance === undefined) return
    this.#instances.delete(id)
    this.#lingering.set(id, { instance, untilMs: now + LINGER_MS })
    this.#dropLingering(now)
  }

  /** Forgets what nobody has used for `ttlMs`: Kong sends no close for a plugin entity that was deleted. */
  expire(now: number, ttlMs: number): number {
    this.#dropLingering(now)
    let expired = 0
    for (const [id, { lastUsedAt }] of this.#instances) {
      if (now - lastUsedAt <= ttlMs) continue
      this.#instances.delete(id)
      this.#observer?.closed(id)
      expired++
    }
    return expired
  }

  get size(): number {
    return this.#instances.size
  }

  /** The id that the next instance gets. */
  get nextId(): number {
    return this.#nextId
  }

  records(): InstanceRecord[] {
    return [...this.#instances.values()].map(({ record }) => record)
  }

  countByPlugin(): ReadonlyMap<string, number> {
    const counts = new Map([...this.#plugins.keys()].map((name) => [name, 0]))
    for (const { record } of this.#instances.values()) {
      counts.set(record.plugin, (counts.get(record.plugin) ?? 0) + 1)
    }
    return counts
  }
  #dropLingering(now: number): void {
    for (const [id, { untilMs }] of this.#lingering) {
      if (untilMs > now && this.#lingering.size <= MAX_LINGERING) return
      this.#lingering.delete(id)
    }
  }
}
