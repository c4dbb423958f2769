import { decayedAttempt, nextAttempt, openingMs } from './backoff.ts'
import { FAILURE, IGNORED, isFailed, NO_ANSWER, type Verdict } from './classify.ts'
import { type Elsewhere, type Health, InstanceCircuit } from './instance-circuit.ts'
import { type Departed, relisted } from './membership.ts'
import { emptyUntilMs, isOutOfAll, isPanic, mayEject, standingOf, yieldsTo } from './rotation.ts'
import { isSameWindow, type Settings } from './settings.ts'
import { isByUnanswered, ownRules } from './stands-out.ts'
import type { Surroundings } from './surroundings.ts'
import type { InstanceState } from './transition.ts'
import { CONSECUTIVE, reachedRules, SLOW_RATE, tripReason } from './trip-rules.ts'

// Shared: an empty map costs more than a circuit's counters.
const NOBODY: ReadonlyMap<string, InstanceCircuit> = new Map()
const NOBODY_DEPARTED: ReadonlyMap<string, Departed> = new Map()

/** An instance that was told to be out may still get requests for so long: the mark is under way, and they are. */
const TOLD_MS = 1_000

/** Why an ejection is over before its time. */
export const CHECK_PASSED =
  'check_passed: it gave no answers, its check failed and passes again; its next tries decide'

interface Sentence {
  readonly attempt: number
  readonly reason: string
  readonly isSilent: boolean
}

/**
 * The instances of one upstream: each has its circuit, together they decide who may be ejected. An ejected instance
 * gets no requests, so its return is due at the next call to any of them after its deadline.
 */
export class InstanceGroup {
  readonly upstream: string
  /** When the next ejection ends; 0 when there is none. */
  nextDeadlineMs = 0
  /** Until when no instance is in rotation; 0 when one is. */
  emptyUntilMs = 0
  isPanicking = false
  /** How often an instance that reached a rule was kept because too many are out already. */
  overflow = 0
  settings: Settings
  members: ReadonlyMap<string, InstanceCircuit> = NOBODY
  #departed: ReadonlyMap<string, Departed> = NOBODY_DEPARTED
  readonly around: Surroundings
  #hasHeardOfOthers = false

  constructor(upstream: string, settings: Settings, around: Surroundings) {
    this.upstream = upstream
    this.settings = settings
    this.around = around
  }

  /** Counts one try and answers whose it was; of an instance that is not listed nothing is kept. */
  report(
    nowMs: number,
    instance: string,
    verdict: Verdict,
    isSlow: boolean,
    startedAtMs: number,
    isUnanswered: boolean,
  ): InstanceCircuit | null {
    const member = this.members.get(instance)
    if (member === undefined) return this.#departed.get(instance)?.circuit ?? null
    // One that another process keeps out it may have just put back.
    if (member.isOut && startedAtMs >= member.toldMs + TOLD_MS) this.#stray(nowMs, member)
    if (verdict !== IGNORED && this.settings.mode !== 'disabled') {
      this.#count(nowMs, member, verdict, isSlow, startedAtMs, isUnanswered)
    }
    return member
  }

  #count(
    nowMs: number,
    member: InstanceCircuit,
    verdict: Verdict,
    isSlow: boolean,
    startedAtMs: number,
    isUnanswered: boolean,
  ): void {
    const { instance: rules } = this.settings
    member.seenSeconds = Math.floor(nowMs / 1000)
    if (member.state === 'ejected' || startedAtMs < member.freshSinceMs) return
    const window = this.around.records.claim(member, rules.window, nowMs)
    if (window === null) return
    member.record(nowMs, verdict, isSlow, window, isUnanswered)
    if (member.state === 'probing') this.#probe(nowMs, member, verdict, isSlow, isUnanswered)
    else this.#judge(nowMs, member)
  }

  /** Tells once more of those that are out. */
  remind(nowMs: number): void {
    for (const member of this.members.values())
      if (isOutOfAll(member) && nowMs >= member.toldMs + TOLD_MS) this.#stray(nowMs, member)
  }

  /** Whether an instance that is in rotation has just answered well. */
  isAnswering(nowMs: number): boolean {
    for (const member of this.members.values()) if (!member.isOut && member.isAnswering(nowMs)) return true
    return false
  }

  /** Whether an ejection is over. */
  isDue(nowMs: number): boolean {
    return this.nextDeadlineMs !== 0 && nowMs >= this.nextDeadlineMs
  }

  /** Puts back what was ejected for long enough: its next tries decide. */
  sweep(nowMs: number): void {
    let next = Number.POSITIVE_INFINITY
    for (const member of this.members.values()) {
      if (member.state !== 'ejected') continue
      if (nowMs >= member.deadlineMs) {
        this.#probeNow(nowMs, member, 'ejection_over: its next tries decide')
      } else next = Math.min(next, member.deadlineMs)
    }
    this.nextDeadlineMs = next === Number.POSITIVE_INFINITY ? 0 : next
    this.#rotate(nowMs)
  }

  /** @param listed all instances of the upstream that Consul knows */
  setHealth(nowMs: number, listed: ReadonlyMap<string, Health>): void {
    const before = { members: this.members, departed: this.#departed }
    const answeringAgain = this.nextDeadlineMs === 0 ? [] : this.#answeringAgain(listed)
    const { members, departed, forgotten } = relisted(nowMs, before, listed, (key, health) =>
      this.#create(key, health),
    )
    for (const circuit of forgotten) this.around.records.drop(circuit)
    // Kong forgets the mark of an address that its name did not have for a while: it is told again.
    for (const [key, { circuit }] of before.departed)
      if (members.has(key) && nowMs < circuit.deadlineMs) circuit.isOut = false
    this.members = members
    this.#departed = departed.size === 0 ? NOBODY_DEPARTED : departed
    for (const member of answeringAgain) this.#probeNow(nowMs, member, CHECK_PASSED)
    this.sweep(nowMs)
  }

  /** What other processes keep out of the same upstream; whoever is not named there is out by none of them. */
  setElsewhere(nowMs: number, out: ReadonlyMap<string, Elsewhere>): void {
    let isNews = false
    for (const member of this.members.values()) {
      const now = out.get(member.key) ?? null
      if (member.elsewhere === now) continue
      member.elsewhere = now
      // What was out before this process began, Kong may have forgotten when it began as well.
      if (now !== null && !this.#hasHeardOfOthers) this.#stray(nowMs, member)
      isNews = true
    }
    this.#hasHeardOfOthers = true
    if (isNews) this.#rotate(nowMs)
  }

  /** Ends an ejection before its time, as another group has done that the instance is in. */
  release(nowMs: number, key: string, reason: string): void {
    const member = this.members.get(key)
    if (member?.state !== 'ejected') return
    this.#probeNow(nowMs, member, reason)
    this.sweep(nowMs)
  }

  /**
   * Those that were ejected since they gave no answers, whose check has failed and passes now: Consul has had one, and what
   * is asked of them in vain is asked of another instance. One that is only listed again proves nothing, nor does a check
   * that never failed.
   */
  #answeringAgain(listed: ReadonlyMap<string, Health>): readonly InstanceCircuit[] {
    const found: InstanceCircuit[] = []
    for (const member of this.members.values()) {
      if (member.state !== 'ejected' || !member.isSilent || member.health !== 'unhealthy') continue
      const health = listed.get(member.key)
      if (health !== undefined && health !== 'unhealthy') found.push(member)
    }
    return found
  }

  /** @param deadlinesMs of instances that another process has taken out of rotation */
  adopt(nowMs: number, deadlinesMs: ReadonlyMap<string, number>): void {
    const acts = this.#acts
    for (const [key, deadlineMs] of deadlinesMs) {
      const member = this.members.get(key)
      if (member === undefined || !member.isNew) continue
      member.freshSinceMs = nowMs
      member.deadlineMs = deadlineMs
      // Whoever is to come back is out until then; who stays out is told of once more, should the mark be gone.
      member.isOut = !acts || deadlineMs <= nowMs
      if (acts) this.#change(nowMs, member, 'ejected', 'adopted: a process before this one ejected it')
    }
    this.sweep(nowMs)
  }

  /** Takes out an instance that another group has ejected, where it may go here as well. */
  ejectUntil(nowMs: number, key: string, deadlineMs: number, reason: string): void {
    const member = this.members.get(key)
    if (member === undefined || member.state === 'ejected' || !this.#acts || deadlineMs <= nowMs) return
    if (mayEject(member, this.members, this.settings.ejection)) this.#out(nowMs, member, deadlineMs, reason)
  }

  configure(nowMs: number, settings: Settings): void {
    const before = this.settings
    this.settings = settings
    const isKept = isSameWindow(before.instance.window, settings.instance.window)
    const acts = this.#acts
    for (const member of this.members.values()) {
      if (!isKept) this.around.records.drop(member)
      if (before.mode !== settings.mode) {
        member.wouldBeEjected = false
        if (before.mode === 'disabled' || settings.mode === 'disabled') member.clear()
      }
      if (acts || member.state === 'closed') continue
      member.attempt = 0
      this.#close(nowMs, member, `by_hand: mode ${before.mode} became ${settings.mode}`)
    }
    this.sweep(nowMs)
  }

  /** Gives back all memory. */
  dispose(): void {
    for (const member of this.members.values()) this.around.records.drop(member)
    for (const { circuit } of this.#departed.values()) this.around.records.drop(circuit)
    this.members = NOBODY
    this.#departed = NOBODY_DEPARTED
  }

  #create(key: string, health: Health): InstanceCircuit {
    return new InstanceCircuit(key, health, (circuit, nowMs) => {
      if (circuit.state === 'closed') return
      this.#close(nowMs, circuit, 'idle: nothing happened for long, and the room was needed')
      this.sweep(nowMs)
    })
  }

  #judge(nowMs: number, member: InstanceCircuit): void {
    const { mode, instance: rules, ejection } = this.settings
    const reached = reachedRules(rules, member.window!, member.consecutive)
    if (reached === 0) {
      member.isOverflow = false
      member.wouldBeEjected = false
      return
    }
    if (mode === 'forced_closed' || member.wouldBeEjected) return
    const own = ownRules(member, this.members.values(), reached, rules, ejection.minimumGap, nowMs)
    if (own === 0 || !this.#hasRoomFor(member)) return
    const reason = tripReason(own, rules, member.window!, member.consecutive)
    if (mode === 'metrics_only') {
      member.wouldBeEjected = true
      this.#emit(nowMs, member, 'closed', 'ejected', `would eject: ${reason}`, true)
      return
    }
    const closedMs = nowMs - member.closedSinceMs
    const isSilent = isByUnanswered(member, own)
    this.#eject(nowMs, member, { attempt: decayedAttempt(rules, member.attempt, closedMs), reason, isSilent })
  }

  #probe(
    nowMs: number,
    member: InstanceCircuit,
    verdict: Verdict,
    isSlow: boolean,
    isUnanswered: boolean,
  ): void {
    const { instance: rules, ejection } = this.settings
    if (!isFailed(verdict) && !isSlow) {
      member.good += 1
      if (member.good < rules.requiredSuccesses) return
      this.#close(nowMs, member, `probes_succeeded: ${member.good} good tries`)
      this.#rotate(nowMs)
      return
    }
    const reached = isFailed(verdict) ? CONSECUTIVE : SLOW_RATE
    const isOwn =
      verdict === NO_ANSWER ||
      ownRules(member, this.members.values(), reached, rules, ejection.minimumGap, nowMs) !== 0
    if (!isOwn || !this.#hasRoomFor(member)) return
    const what = verdict === NO_ANSWER ? 'got no answer' : isFailed(verdict) ? 'failed' : 'was slow'
    const which = verdict === FAILURE || verdict === NO_ANSWER || isSlow ? '' : ' (asked for fewer requests)'
    this.#eject(nowMs, member, {
      attempt: nextAttempt(rules, member.attempt),
      reason: `probe_failed: a try ${what}${which}`,
      isSilent: isUnanswered,
    })
  }

  #hasRoomFor(member: InstanceCircuit): boolean {
    if (mayEject(member, this.members, this.settings.ejection)) return true
    if (!member.isOverflow) this.overflow += 1
    member.isOverflow = true
    return false
  }

  #eject(nowMs: number, member: InstanceCircuit, { attempt, reason, isSilent }: Sentence): void {
    const lastsMs = openingMs(this.settings.instance, attempt, this.around.random())
    member.attempt = attempt
    member.isSilent = isSilent
    const lasts = `ejected for ${Math.round(lastsMs / 100) / 10} s`
    this.#out(nowMs, member, nowMs + lastsMs, `${reason}; ${lasts}`)
  }

  #probeNow(nowMs: number, member: InstanceCircuit, reason: string): void {
    member.clear()
    member.freshSinceMs = nowMs
    member.isSilent = false
    this.#change(nowMs, member, 'probing', reason)
  }

  #out(nowMs: number, member: InstanceCircuit, deadlineMs: number, reason: string): void {
    member.clear()
    member.deadlineMs = deadlineMs
    this.nextDeadlineMs = Math.min(this.nextDeadlineMs || deadlineMs, deadlineMs)
    this.#change(nowMs, member, 'ejected', reason)
    this.#rotate(nowMs)
  }

  /** Whether verdicts take instances out. */
  get #acts(): boolean {
    return this.settings.mode === 'auto' || this.settings.mode === 'forced_open'
  }

  #close(nowMs: number, member: InstanceCircuit, reason: string): void {
    member.clear()
    member.freshSinceMs = nowMs
    member.closedSinceMs = nowMs
    this.#change(nowMs, member, 'closed', reason)
  }

  /** Tells of each instance that goes out of rotation or comes back. */
  #rotate(nowMs: number): void {
    this.isPanicking = isPanic(standingOf(this.members.values(), yieldsTo), this.settings.ejection)
    for (const member of this.members.values()) {
      const isOut = member.state === 'ejected' && !this.isPanicking
      if (isOut === member.isOut) continue
      member.isOut = isOut
      if (isOut) member.toldMs = nowMs
      this.around.rotate(this.upstream, member.key, !isOut)
    }
    this.emptyUntilMs = emptyUntilMs(this.members.values())
  }

  #stray(nowMs: number, member: InstanceCircuit): void {
    member.toldMs = nowMs
    this.around.stray(this.upstream, member.key)
  }

  #change(nowMs: number, member: InstanceCircuit, to: InstanceState, reason: string): void {
    const from = member.state
    member.state = to
    this.#emit(nowMs, member, from, to, reason, false)
  }

  #emit(
    nowMs: number,
    member: InstanceCircuit,
    from: InstanceState,
    to: InstanceState,
    reason: string,
    wouldBe: boolean,
  ): void {
    this.around.emit({
      atMs: nowMs,
      key: this.upstream,
      instance: member.key,
      from,
      to,
      reason,
      wouldBe,
      deadlineMs: to === 'ejected' && !wouldBe ? member.deadlineMs : null,
    })
  }
}
