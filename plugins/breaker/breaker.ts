/**
 * All circuits of one process. Clock and randomness come from outside, there are no timers: time passes when somebody
 * asks or reports. Start here; the states of a circuit are in service-circuit.ts and instance-group.ts.
 */

import { classifyCall, classifyTry, isSlow, isUnanswered } from './classify.ts'
import type { Elsewhere, Health, InstanceCircuit } from './instance-circuit.ts'
import { InstanceGroup } from './instance-group.ts'
import type { Outcome } from './outcome.ts'
import { Records } from './records.ts'
import { ServiceCircuit } from './service-circuit.ts'
import type { Settings } from './settings.ts'
import type { Surroundings } from './surroundings.ts'
import type { Transition } from './transition.ts'

export interface BreakerOptions {
  /** In [0, 1): spreads the ends of openings. */
  readonly random: () => number
  readonly onTransition?: (transition: Transition) => void
  /** An instance is to get requests again (`isIn`) or none: what Kong's health mark should be. */
  readonly onRotation?: (upstream: string, instance: string, isIn: boolean) => void
  /** An instance that was taken out gets requests all the same, or may get some: Kong may have lost its mark. */
  readonly onStray?: (upstream: string, instance: string) => void
  /** Circuits that remember anything, at most. Default 20,000. */
  readonly maxRecords?: number
  /**
   * Generations count up from here. Give each process a range of its own (milliseconds since 1970 x 1,000, say): then
   * what another process admitted is never taken for a call of this one.
   */
  readonly firstGeneration?: number
}

/** An upstream that shares an instance with the upstream `like`. */
export interface OtherUpstream {
  readonly upstream: string
  readonly instances: ReadonlyMap<string, Health>
  readonly like: string
}

const MAX_RECORDS = 20_000

export class Breaker {
  readonly #services = new Map<string, ServiceCircuit>()
  readonly #groups = new Map<string, InstanceGroup>()
  readonly #around: Surroundings
  #generation: number
  /** Exceptions of the two callbacks; they never reach a request. */
  callbackErrors = 0

  constructor({ random, onTransition, onRotation, onStray, maxRecords, firstGeneration }: BreakerOptions) {
    this.#generation = firstGeneration ?? 1
    this.#around = {
      random,
      emit: (transition) => this.#tell(() => onTransition?.(transition)),
      rotate: (upstream, instance, isIn) => this.#tell(() => onRotation?.(upstream, instance, isIn)),
      stray: (upstream, instance) => this.#tell(() => onStray?.(upstream, instance)),
      nextGeneration: () => this.#generation++,
      records: new Records(maxRecords ?? MAX_RECORDS),
    }
  }

  /**
   * Sets or changes what holds for a service circuit and the instances behind it. Circuits stay as they are, counts as
   * well unless the window changes. Services that share an upstream share its instances, judged by the settings set last.
   */
  setConfig(nowMs: number, service: string, settings: Settings, upstream: string = service): void {
    const group = this.#groups.get(upstream) ?? this.#createGroup(upstream, settings)
    if (group.settings !== settings) group.configure(nowMs, settings)
    const circuit = this.#services.get(service)
    if (circuit === undefined) {
      this.#services.set(service, new ServiceCircuit(service, settings, group, this.#around))
      return
    }
    const before = circuit.group
    circuit.configure(nowMs, settings, group)
    if (before !== group) this.#disposeUnused(before)
  }

  /** Drops a service circuit; its upstream's instances too when no other service uses them. */
  remove(service: string): void {
    const circuit = this.#services.get(service)
    if (circuit === undefined) return
    this.#services.delete(service)
    this.#around.records.drop(circuit)
    this.#disposeUnused(circuit.group)
  }

  has(service: string): boolean {
    return this.#services.has(service)
  }

  /** All instances of an upstream that Consul knows, with what it says of them. */
  setHealth(nowMs: number, upstream: string, instances: ReadonlyMap<string, Health>): void {
    this.#groups.get(upstream)?.setHealth(nowMs, instances)
  }

  /** Instances that other processes keep out of this upstream: they count as out, and come back by others. */
  setElsewhere(nowMs: number, upstream: string, out: ReadonlyMap<string, Elsewhere>): void {
    this.#groups.get(upstream)?.setElsewhere(nowMs, out)
  }

  /**
   * Ejections that a process before this one has left in force, with their ends. They go on here as if they were ours,
   * for instances of which nothing is known yet; one whose end has passed is put back.
   */
  adoptEjections(nowMs: number, upstream: string, deadlinesMs: ReadonlyMap<string, number>): void {
    this.#groups.get(upstream)?.adopt(nowMs, deadlinesMs)
  }

  /**
   * Takes an instance out of another upstream that it is in, until `deadlineMs`, as far as the cap there lets it go. An
   * upstream that no service leads to yet has the settings of `like`.
   */
  ejectUntil(
    nowMs: number,
    { upstream, instances, like }: OtherUpstream,
    instance: string,
    deadlineMs: number,
    reason: string,
  ): void {
    let group = this.#groups.get(upstream)
    const settings = this.#groups.get(like)?.settings
    if (group === undefined && settings !== undefined) {
      group = this.#createGroup(upstream, settings)
      group.setHealth(nowMs, instances)
    }
    group?.ejectUntil(nowMs, instance, deadlineMs, reason)
  }

  /** End of an ejection; 0 for an instance that is not ejected. */
  ejectedUntilMs(upstream: string, instance: string): number {
    const member = this.#groups.get(upstream)?.members.get(instance)
    return member?.state === 'ejected' ? member.deadlineMs : 0
  }

  /** Whoever was told of the instances that are out may have been started anew: tells of each, unless that was just done. */
  remind(nowMs: number, service: string): void {
    this.#services.get(service)?.group.remind(nowMs)
  }

  /** Ends an ejection before its time: what another upstream has found of the instance holds for this one. */
  release(nowMs: number, upstream: string, instance: string, reason: string): void {
    this.#groups.get(upstream)?.release(nowMs, instance, reason)
  }

  /** Puts back what is due, without any request. */
  sweep(nowMs: number, upstream: string): void {
    const group = this.#groups.get(upstream)
    if (group?.isDue(nowMs)) group.sweep(nowMs)
  }

  /** Drops upstreams that no service leads to, and of which nothing is ejected any more. */
  tidy(nowMs: number): void {
    const used = new Set([...this.#services.values()].map(({ group }) => group))
    for (const group of this.#groups.values()) {
      if (used.has(group)) continue
      if (group.isDue(nowMs)) group.sweep(nowMs)
      if (group.nextDeadlineMs === 0) this.#disposeUnused(group)
    }
  }

  /**
   * 0: the request may go on. Otherwise it is refused, and the value is `Retry-After` in whole seconds, at least 1. A
   * service without settings is never refused and leaves nothing behind.
   */
  decide(nowMs: number, service: string): number {
    const circuit = this.#services.get(service)
    return circuit === undefined ? 0 : circuit.decide(nowMs)
  }

  /** To be kept with an admitted call and given back in its outcome; 0 for a service without settings. */
  generationOf(service: string): number {
    return this.#services.get(service)?.generation ?? 0
  }

  /** Takes the outcome of a call that was admitted: each try for its instance, one verdict for the service. */
  report(nowMs: number, outcome: Outcome): void {
    const circuit = this.#services.get(outcome.service)
    if (circuit === undefined) return
    const { settings, group } = circuit
    if (group.isDue(nowMs)) group.sweep(nowMs)
    const { tries, startedAtMs } = outcome
    let answering: InstanceCircuit | null = null
    if (tries !== null) {
      const { instance: rules, abortedAfterMs } = group.settings
      for (let i = 0; i < tries.length; i += 1) {
        const verdict = classifyTry(outcome, i, rules, abortedAfterMs)
        const isSlowTry = i === tries.length - 1 && isSlow(outcome, rules)
        const { instance } = tries[i]!
        const isSilent = isUnanswered(outcome, i, verdict)
        answering = group.report(nowMs, instance, verdict, isSlowTry, startedAtMs, isSilent)
      }
    }
    const verdict = classifyCall(outcome, settings.service)
    const isSlowCall = isSlow(outcome, settings.service)
    circuit.report(nowMs, verdict, isSlowCall, startedAtMs, outcome.generation, answering)
  }

  /** For reading: state, counts, deadlines. */
  circuit(service: string): ServiceCircuit | undefined {
    return this.#services.get(service)
  }

  circuits(): IterableIterator<ServiceCircuit> {
    return this.#services.values()
  }

  /** How many circuits remember something, how many were forgotten for room, and how many found none. */
  get records(): { readonly size: number; readonly forgotten: number; readonly refused: number } {
    const { size, forgotten, refused } = this.#around.records
    return { size, forgotten, refused }
  }

  #createGroup(upstream: string, settings: Settings): InstanceGroup {
    const group = new InstanceGroup(upstream, settings, this.#around)
    this.#groups.set(upstream, group)
    return group
  }

  #disposeUnused(group: InstanceGroup): void {
    for (const circuit of this.#services.values()) if (circuit.group === group) return
    group.dispose()
    this.#groups.delete(group.upstream)
  }

  #tell(callback: () => void): void {
    try {
      callback()
    } catch {
      this.callbackErrors += 1 // a listener's fault must not fail the request that made it hear something
    }
  }
}
