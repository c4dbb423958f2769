import { decayedAttempt, nextAttempt, openingMs, secondsUntil } from './backoff.ts'
import { IGNORED, isFailed, RATE_ONLY, SUCCESS, type Verdict } from './classify.ts'
import type { InstanceCircuit } from './instance-circuit.ts'
import type { InstanceGroup } from './instance-group.ts'
import { NO_DECISION } from './outcome.ts'
import type { Recorded } from './records.ts'
import { FAILED, SLOW } from './sample.ts'
import { isSameWindow, type Settings } from './settings.ts'
import { Shares } from './shares.ts'
import type { Surroundings } from './surroundings.ts'
import type { ServiceState } from './transition.ts'
import { Trials } from './trials.ts'
import { reachedRules, tripReason } from './trip-rules.ts'
import type { Window } from './window.ts'

interface Opening {
  readonly deadlineMs: number
  /** null until half-open. */
  trials: Trials | null
}

/**
 * The circuit of a service: closed, open, half-open, or forced open by hand. Nothing happens by itself: what is due is
 * done at the next decision. State changes before anybody is told of it, so a listener that fails breaks nothing.
 */
export class ServiceCircuit implements Recorded {
  readonly key: string
  settings: Settings
  group: InstanceGroup
  state: ServiceState = 'closed'
  generation: number
  seenSeconds = 0
  window: Window | null = null
  /** null as long as there are no two instances to tell apart. */
  shares: Shares | null = null
  /**
   * When the state began. Calls that started earlier belong to an older generation, for callers that do not keep the
   * generation; in half-open it is the moment after the last call of an older one. null: there is none older.
   */
  #sinceMs: number | null = null
  #attempt = 0
  #consecutive = 0
  /** null unless open or half-open. */
  #opening: Opening | null = null
  #wouldBeOpen = false

  constructor(key: string, settings: Settings, group: InstanceGroup, around: Surroundings) {
    this.key = key
    this.settings = settings
    this.group = group
    this.generation = around.nextGeneration()
    if (settings.mode === 'forced_open') this.state = 'forced_open'
  }

  /** 0: go on. Otherwise: refused, and after how many whole seconds it is worth another try. */
  decide(nowMs: number): number {
    this.seenSeconds = Math.floor(nowMs / 1000)
    const group = this.group
    if (group.isDue(nowMs)) group.sweep(nowMs)
    if (this.state === 'closed' && group.emptyUntilMs === 0) return 0
    return this.#decideUnlessClosed(nowMs)
  }

  /**
   * @param startedAtMs of the request; in half-open that of the trial
   * @param instance whose answer the client got; null: not known, or none of those that are listed
   */
  report(
    nowMs: number,
    verdict: Verdict,
    isSlow: boolean,
    startedAtMs: number,
    generation: number | undefined,
    instance: InstanceCircuit | null,
  ): void {
    this.seenSeconds = Math.floor(nowMs / 1000)
    if (this.settings.mode === 'disabled' || this.#isLate(startedAtMs, generation)) return
    if (this.state === 'closed') {
      if (verdict !== IGNORED) this.#count(nowMs, verdict, isSlow, instance)
    } else if (this.state === 'half_open' && generation !== NO_DECISION) {
      this.#reportTrial(nowMs, verdict, isSlow, startedAtMs, instance)
    }
  }

  /** An opening keeps its deadline and the window its counts, as long as neither mode nor window changes. */
  configure(nowMs: number, settings: Settings, group: InstanceGroup): void {
    const before = this.settings
    this.settings = settings
    this.group = group
    if (!isSameWindow(before.service.window, settings.service.window)) this.group.around.records.drop(this)
    if (before.mode !== settings.mode) this.#changeMode(nowMs, before.mode, settings.mode)
    else this.#changeTrials(nowMs)
  }

  get attempt(): number {
    return this.#attempt
  }

  get consecutive(): number {
    return this.#consecutive
  }

  /** End of the opening; null when it is not open. */
  get deadlineMs(): number | null {
    return this.state === 'open' ? this.#opening!.deadlineMs : null
  }

  /** Trials that may still be admitted; null outside half-open. */
  get permits(): number | null {
    return this.#opening?.trials?.left ?? null
  }

  isDispensable(nowMs: number): boolean {
    if (this.#opening === null) return true
    const { deadlineMs, trials } = this.#opening
    if (trials === null || trials.oldestMs === Number.POSITIVE_INFINITY) return nowMs >= deadlineMs
    return nowMs >= trials.oldestMs + this.settings.service.trialLimitMs
  }

  forget(nowMs: number): void {
    this.#attempt = 0
    this.#consecutive = 0
    this.#wouldBeOpen = false
    if (this.state === 'open' || this.state === 'half_open') {
      this.#close(nowMs, 'idle: nothing happened for long, and the room was needed')
    }
  }

  #decideUnlessClosed(nowMs: number): number {
    const rules = this.settings.service
    if (this.state === 'forced_open') return secondsUntil(rules.openMs, 0)
    const opening = this.#opening
    if (this.state === 'open' && nowMs < opening!.deadlineMs) return secondsUntil(opening!.deadlineMs, nowMs)
    // Every instance is ejected: no trial could reach one, and no request should try.
    if (this.group.emptyUntilMs > 0) return secondsUntil(this.group.emptyUntilMs, nowMs)
    if (this.state === 'closed') return 0
    if (this.state === 'open') this.#startTrials(nowMs, `open_time_over: ${rules.trials} trials decide`)
    let trials = opening!.trials!
    if (nowMs >= trials.oldestMs + rules.trialLimitMs) {
      this.#startTrials(nowMs, `trial_lost: no report within ${rules.trialLimitMs / 1000} s, new trials`)
      trials = opening!.trials!
    }
    if (trials.left <= 0) return secondsUntil(trials.oldestMs + rules.trialLimitMs, nowMs)
    trials.admit(nowMs)
    return 0
  }

  #isLate(startedAtMs: number, generation: number | undefined): boolean {
    if (generation === undefined || generation === NO_DECISION)
      return this.#sinceMs !== null && startedAtMs < this.#sinceMs
    return generation !== this.generation
  }

  #count(nowMs: number, verdict: Verdict, isSlow: boolean, instance: InstanceCircuit | null): void {
    const { service: rules, mode } = this.settings
    const window = this.window ?? this.group.around.records.claim(this, rules.window, nowMs)
    if (window === null) return
    let sample = isSlow ? SLOW : 0
    if (verdict === SUCCESS) this.#consecutive = 0
    else {
      sample |= FAILED
      if (verdict !== RATE_ONLY) this.#consecutive += 1
    }
    window.record(nowMs, sample)
    const { members, around } = this.group
    if (members.size > 1 || this.shares !== null) {
      this.shares ??= new Shares()
      this.shares.tidy(members, around.records.pages)
      this.shares.record(nowMs, window, sample, instance, this.#consecutive, around.records.pages)
    }
    let reached = reachedRules(rules, window, this.#consecutive)
    if (reached !== 0 && this.shares !== null) {
      const { minimumGap } = this.settings.ejection
      reached = this.shares.rulesOfAll(nowMs, window, reached, rules, members, minimumGap)
    }
    if (reached === 0) this.#wouldBeOpen = false
    else if (mode === 'auto') {
      const closedMs = nowMs - (this.#sinceMs ?? Number.NEGATIVE_INFINITY)
      const attempt = decayedAttempt(rules, this.#attempt, closedMs)
      this.#open(nowMs, attempt, tripReason(reached, rules, window, this.#consecutive))
    } else if (mode === 'metrics_only' && !this.#wouldBeOpen) {
      this.#wouldBeOpen = true
      this.#emit(nowMs, 'closed', 'open', tripReason(reached, rules, window, this.#consecutive), true)
    }
  }

  #reportTrial(
    nowMs: number,
    verdict: Verdict,
    isSlow: boolean,
    startedAtMs: number,
    instance: InstanceCircuit | null,
  ): void {
    const trials = this.#opening!.trials!
    if (!trials.settle(startedAtMs)) return
    const rules = this.settings.service
    if (verdict === IGNORED) return // its permit is back
    if (isFailed(verdict) || isSlow) {
      // An instance that went out by it is no reason to refuse what the others answer.
      if (instance?.isOut && this.group.isAnswering(nowMs)) return
      const what = isFailed(verdict) ? 'failed' : `took longer than ${rules.slowMs} ms`
      this.#open(nowMs, nextAttempt(rules, this.#attempt), `trial_failed: a trial ${what}`)
    } else {
      trials.succeeded += 1
      this.#closeIfGood(nowMs, trials)
    }
  }

  /** Trials that run go on under new numbers. Without this a circuit could wait for good trials and admit none. */
  #changeTrials(nowMs: number): void {
    const trials = this.#opening?.trials ?? null
    if (trials === null) return
    trials.permits = this.settings.service.trials
    this.#closeIfGood(nowMs, trials)
  }

  #closeIfGood(nowMs: number, { succeeded }: Trials): void {
    const { requiredSuccesses } = this.settings.service
    if (succeeded < requiredSuccesses) return
    this.#close(nowMs, `trials_succeeded: ${succeeded} of ${requiredSuccesses} trials were good`)
  }

  #open(nowMs: number, attempt: number, reason: string): void {
    const from = this.state
    const lastsMs = openingMs(this.settings.service, attempt, this.group.around.random())
    this.state = 'open'
    this.generation = this.group.around.nextGeneration()
    this.#attempt = attempt
    this.#sinceMs = nowMs
    this.#opening = { deadlineMs: nowMs + lastsMs, trials: null }
    this.#emit(nowMs, from, 'open', `${reason}; open for ${Math.round(lastsMs / 100) / 10} s`)
  }

  #startTrials(nowMs: number, reason: string): void {
    const from = this.state
    // While it was open nothing was admitted, so whatever started after the opening and came through is a trial.
    const lastOlderMs = from === 'open' ? this.#sinceMs! : this.#opening!.trials!.newestMs
    this.state = 'half_open'
    this.generation = this.group.around.nextGeneration()
    this.#sinceMs = lastOlderMs + 1
    this.#opening!.trials = new Trials(this.settings.service.trials)
    this.#emit(nowMs, from, 'half_open', reason)
  }

  #close(nowMs: number, reason: string): void {
    const from = this.state
    this.state = 'closed'
    this.generation = this.group.around.nextGeneration()
    this.#sinceMs = nowMs
    this.#opening = null
    this.#consecutive = 0
    this.#clearWindow()
    this.#emit(nowMs, from, 'closed', reason)
  }

  #clearWindow(): void {
    this.window?.clear()
    this.shares?.clear()
  }

  #changeMode(nowMs: number, before: Settings['mode'], mode: Settings['mode']): void {
    this.#wouldBeOpen = false
    const reason = `by_hand: mode ${before} became ${mode}`
    if (mode === 'forced_open') {
      const from = this.state
      this.state = 'forced_open'
      this.#opening = null
      this.generation = this.group.around.nextGeneration()
      this.#emit(nowMs, from, 'forced_open', reason)
      return
    }
    if (before === 'disabled' || mode === 'disabled') {
      this.#clearWindow() // what it did not see while disabled must not look like a row or a rate
      this.#consecutive = 0
    }
    if (this.state === 'closed') return
    this.#attempt = 0
    this.#close(nowMs, reason)
  }

  #emit(nowMs: number, from: ServiceState, to: ServiceState, reason: string, wouldBe = false): void {
    this.group.around.emit({
      atMs: nowMs,
      key: this.key,
      instance: null,
      from,
      to,
      reason: wouldBe ? `would open: ${reason}` : reason,
      wouldBe,
      deadlineMs: wouldBe ? null : this.deadlineMs,
    })
  }
}
