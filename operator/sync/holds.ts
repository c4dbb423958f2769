import type { CatalogSnapshot } from '../core/catalog.ts'
import { targetHealth, turnedCritical } from '../core/critical-turns.ts'
import type { HeldWeights } from '../core/decided.ts'
import type { Change } from '../core/diff.ts'
import { isOfCalled, keyOf } from '../core/entity.ts'
import { concerns, type Hold, type HoldKind, type HoldSpan } from '../core/hold-memory.ts'
import type { Logger } from '../telemetry/logger.ts'
import { countTargets } from './count-targets.ts'
import { type CriticalWatch, NOTHING_CRITICAL, reviewCritical, type Turn, turnKey } from './critical-guard.ts'
import type { DesiredIndex } from './desired-index.ts'
import { type HeldTargets, reviewShrink } from './shrink-guard.ts'
import { targetWeights } from './target-weights.ts'

export interface HoldOptions {
  readonly log: Logger
  /** A hold may be over: decide anew. */
  readonly onDue: () => void
  /** Something is held, or held no more. */
  readonly onChange: () => void
}

export interface ReleasedHolds {
  readonly kind: HoldKind
  readonly service: string
  readonly targets: number
}

/**
 * What waits because too much happened at once: removals of what vanished, weights of what turned critical. And the
 * clock that ends the wait.
 */
export class Holds {
  readonly #options: HoldOptions
  #removals: HeldTargets = new Map()
  #critical: CriticalWatch = NOTHING_CRITICAL
  #weights: ReadonlyMap<string, HeldWeights> = new Map()
  #remembered: readonly HoldSpan[] = []
  #snapshot: CatalogSnapshot | null = null
  #timer: NodeJS.Timeout | null = null

  constructor(options: HoldOptions) {
    this.#options = options
  }

  /** Sorted by service and target. */
  list(): readonly Hold[] {
    const removals = [...this.#removals.values()].map(({ service, target, sinceMs, untilMs }): Hold => {
      return { kind: 'removal', service, target: target.name, sinceMs, untilMs }
    })
    const critical = [...this.#critical.held.values()].map(({ service, target, sinceMs, untilMs }): Hold => {
      return { kind: 'critical', service, target, sinceMs, untilMs }
    })
    const key = ({ service, target }: Hold) => `${service} ${target}`
    return [...removals, ...critical].sort((left, right) => (key(left) < key(right) ? -1 : 1))
  }

  /** Weights that stay, by service. */
  get weights(): ReadonlyMap<string, HeldWeights> {
    return this.#weights
  }

  /** What an operator before this one held; before the first review. */
  remember(spans: readonly HoldSpan[]): void {
    this.#remembered = spans
  }

  /**
   * Whose weights stay although they are critical; decide anew when that changed.
   * @param before the first time what Kong holds
   * @param after decided with the weights held so far
   */
  reviewWeights(
    snapshot: CatalogSnapshot,
    before: DesiredIndex,
    after: DesiredIndex,
    holdMs: number,
  ): boolean {
    const ms = Date.now()
    const { turned, restored } =
      this.#snapshot === null
        ? this.#turnedAtStart(snapshot, before, after, ms)
        : { turned: this.#turned(snapshot, before, ms), restored: this.#critical }
    this.#snapshot = snapshot
    const next = reviewCritical(restored, {
      turned,
      isCritical: (service, target) =>
        targetHealth(snapshot.services.get(service) ?? []).critical.has(target),
      known: () => countTargets(after),
      ms,
      holdMs,
    })
    const count = this.#critical.held.size
    this.#critical = next
    if (next.held.size > count) {
      this.#tell('too many turned critical at once: their weights stay', 'CRITICAL_HELD', next.held, holdMs)
    }
    const weights = byService(next, this.#weights)
    const isChanged = weights !== this.#weights
    this.#weights = weights
    if (isChanged) this.#changed()
    return isChanged
  }

  /**
   * @param isReset Consul came back without what it knew
   * @returns the services of which something is held no more
   */
  reviewRemovals(
    before: DesiredIndex,
    after: DesiredIndex,
    holdMs: number,
    isReset = false,
  ): readonly string[] {
    const known = this.#removals
    const remembered = new Map(this.#remembered.filter(isRemoval).map((span) => [span.service, span]))
    const held = reviewShrink(before, after, known, { ms: Date.now(), holdMs, isReset }, remembered)
    this.#remembered = []
    const released = [...known].filter(([key]) => !held.has(key)).map(([, { service }]) => service)
    if (held.size > known.size) {
      this.#tell('too much vanished at once: removals are held', 'SHRINK_HELD', held, holdMs)
    }
    this.#removals = held
    if (released.length > 0 || held.size !== known.size) this.#changed()
    else this.#wakeAtNext()
    return released
  }

  /** Lets go what is held of a service, or of all (null). */
  release(service: string | null): readonly ReleasedHolds[] {
    const isMeant = (hold: { readonly service: string }) => concerns({ service }, hold.service)
    const released = new Map<string, { kind: HoldKind; service: string; targets: number }>()
    for (const { kind, service: of } of this.list().filter(isMeant)) {
      const known = released.get(`${kind} ${of}`)
      if (known === undefined) released.set(`${kind} ${of}`, { kind, service: of, targets: 1 })
      else known.targets += 1
    }
    if (released.size === 0) return []
    this.#removals = new Map([...this.#removals].filter(([, hold]) => !isMeant(hold)))
    const held = new Map([...this.#critical.held].filter(([, hold]) => !isMeant(hold)))
    this.#critical = { ...this.#critical, held }
    this.#weights = byService(this.#critical, this.#weights)
    this.#changed()
    return [...released.values()]
  }

  /** @param isGone does the service want nothing any more? */
  isHeld({ action, entity, service }: Change, isGone: (service: string) => boolean): boolean {
    // A key that was revoked is refused at once, whatever else waits.
    if (this.#removals.size === 0 || action !== 'delete' || !isOfCalled(entity)) return false
    if (entity.kind === 'target') return this.#removals.has(keyOf(entity))
    // What held targets hang on stays with them; of a service that goes on, routes and plugins may go.
    return isGone(service) && [...this.#removals.values()].some((hold) => hold.service === service)
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
  }

  #turned(snapshot: CatalogSnapshot, before: DesiredIndex, atMs: number): readonly Turn[] {
    return turnedCritical(this.#snapshot!, snapshot).flatMap(({ service, target }) => {
      const weight = targetWeights(before, service).get(target)
      return weight === undefined ? [] : [{ service, target, weight, atMs }]
    })
  }

  /**
   * Nobody saw them turn. What Kong still gives traffic and would lose it counts as turned now; where an operator before
   * this one held it, it is held on, or that is over.
   */
  #turnedAtStart(snapshot: CatalogSnapshot, before: DesiredIndex, after: DesiredIndex, ms: number) {
    const remembered = new Map(
      this.#remembered.filter((span) => !isRemoval(span)).map((span) => [span.service, span]),
    )
    const turned: Turn[] = []
    const held = new Map(this.#critical.held)
    for (const [service, instances] of snapshot.services) {
      const { critical } = targetHealth(instances)
      if (critical.size === 0) continue
      const [inKong, wanted] = [targetWeights(before, service), targetWeights(after, service)]
      const span = remembered.get(service)
      for (const target of critical) {
        const weight = inKong.get(target) ?? 0
        if (weight === 0 || !wanted.has(target)) continue
        const { sinceMs, untilMs } = span ?? { sinceMs: ms, untilMs: ms }
        if (span !== undefined)
          held.set(turnKey({ service, target }), { service, target, weight, sinceMs, untilMs })
        else if (wanted.get(target) === 0) turned.push({ service, target, weight, atMs: ms })
      }
    }
    return { turned, restored: { ...this.#critical, held } }
  }

  #tell(
    message: string,
    code: string,
    held: ReadonlyMap<string, { readonly service: string }>,
    holdMs: number,
  ): void {
    const services = new Set([...held.values()].map((hold) => hold.service)).size
    const hint = '"kongsul guard accept" lets them go'
    this.#options.log.warn(message, { code, targets: held.size, services, holdSeconds: holdMs / 1000, hint })
  }

  #changed(): void {
    this.#wakeAtNext()
    this.#options.onChange()
  }

  #wakeAtNext(): void {
    this.stop()
    const ends = [...this.#removals.values(), ...this.#critical.held.values()].map(({ untilMs }) => untilMs)
    if (ends.length === 0) return
    const waitMs = Math.min(LONGEST_WAIT_MS, Math.max(50, Math.min(...ends) - Date.now() + 20))
    this.#timer = setTimeout(this.#options.onDue, waitMs)
    this.#timer.unref()
  }
}

/** `guard.holdSeconds` may be a day; timers take 24. */
const LONGEST_WAIT_MS = 3_600_000

const isRemoval = ({ kind }: HoldSpan): boolean => kind === 'removal'

/** The same map, and the same maps in it, where nothing changed: what is decided from them is decided anew otherwise. */
function byService(
  { held }: CriticalWatch,
  before: ReadonlyMap<string, HeldWeights>,
): ReadonlyMap<string, HeldWeights> {
  if (held.size === 0 && before.size === 0) return before
  const fresh = new Map<string, Map<string, number>>()
  for (const { service, target, weight } of held.values()) {
    const known = fresh.get(service)
    if (known === undefined) fresh.set(service, new Map([[target, weight]]))
    else known.set(target, weight)
  }
  const next = new Map<string, HeldWeights>()
  for (const [service, weights] of fresh) {
    const known = before.get(service)
    next.set(service, known !== undefined && isSame(known, weights) ? known : weights)
  }
  return next.size === before.size && [...next].every(([service, each]) => before.get(service) === each)
    ? before
    : next
}

const isSame = (one: HeldWeights, other: HeldWeights): boolean =>
  one.size === other.size && [...one].every(([target, weight]) => other.get(target) === weight)
