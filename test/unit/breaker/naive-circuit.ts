/** A service circuit written for the reader: lists instead of rings, everything computed anew at each question. */
export class NaiveCircuit {
  state = 'closed'
  changes: string[] = []
  consecutive = 0
  readonly #rules: NaiveRules
  #samples: { atMs: number; bucket: number; failed: boolean; slow: boolean }[] = []
  #originMs = 0
  #lastBucket = 0
  #deadlineMs = 0
  #sinceMs = 0
  #attempt = 0
  #pending: { id: number; atMs: number }[] = []
  #permits = 0
  #good = 0
  /** Ids that belong to the generation that runs. */
  #current = new Set<number>()

  constructor(rules: NaiveRules) {
    this.#rules = rules
  }

  decide(now: number, id: number): boolean {
    if (this.state === 'open' && now >= this.#deadlineMs) this.#startTrials()
    if (this.state === 'open') return false
    if (this.state === 'half_open') {
      if (this.#pending.some(({ atMs }) => now >= atMs + this.#rules.limitMs)) this.#startTrials()
      if (this.#permits === 0) return false
      this.#permits -= 1
      this.#pending.push({ id, atMs: now })
    }
    this.#current.add(id)
    return true
  }

  report(now: number, id: number, kind: 'ok' | 'fail' | 'busy' | 'ignored', slow: boolean): void {
    if (!this.#current.delete(id)) return
    const isFailed = kind === 'fail' || kind === 'busy'
    if (this.state === 'half_open') {
      this.#pending = this.#pending.filter((each) => each.id !== id)
      if (kind === 'ignored') this.#permits += 1
      else if (isFailed || slow) {
        this.#open(now, this.#attempt + 1)
      } else if (++this.#good === this.#rules.required) {
        this.#samples = []
        this.consecutive = 0
        this.#sinceMs = now
        this.#become('closed')
      }
      return
    }
    if (kind === 'ignored') return
    this.counts(now)
    if (this.#samples.length === 0) {
      this.#originMs = now
      this.#lastBucket = 0
    }
    this.#samples.push({ atMs: now, bucket: this.#lastBucket, failed: isFailed, slow })
    if (kind === 'ok') this.consecutive = 0
    if (kind === 'fail') this.consecutive += 1
    const { calls, failed, slow: late } = this.counts(now)
    const { consecutive, minimumCalls, failureRate, slowRate } = this.#rules
    const isReached = (count: number, rate: number) => calls >= minimumCalls && count / calls >= rate / 100
    if (this.consecutive >= consecutive || isReached(failed, failureRate) || isReached(late, slowRate)) {
      const healthyMs = Math.max(0, now - this.#sinceMs)
      this.#open(now, Math.max(0, this.#attempt - Math.floor(healthyMs / this.#rules.openMs)))
    }
  }

  counts(now: number): { calls: number; failed: number; slow: number } {
    const { windowCalls, buckets, bucketMs } = this.#rules
    if (windowCalls > 0) this.#samples = this.#samples.slice(-windowCalls)
    else {
      this.#lastBucket = Math.max(this.#lastBucket, Math.floor((now - this.#originMs) / bucketMs))
      this.#samples = this.#samples.filter(({ bucket }) => bucket > this.#lastBucket - buckets)
    }
    const count = (is: (sample: { failed: boolean; slow: boolean }) => boolean) =>
      this.#samples.filter(is).length
    return { calls: this.#samples.length, failed: count((s) => s.failed), slow: count((s) => s.slow) }
  }

  get permits(): number | null {
    return this.state === 'half_open' ? this.#permits : null
  }

  #open(now: number, attempt: number): void {
    const { openMs, factor, maxMs } = this.#rules
    this.#attempt = attempt
    this.#sinceMs = now
    this.#deadlineMs = now + Math.min(openMs * factor ** attempt, maxMs)
    this.#become('open')
  }

  #startTrials(): void {
    this.#permits = this.#rules.trials
    this.#become('half_open')
  }

  #become(state: string): void {
    this.changes.push(`${this.state}>${state}`)
    this.state = state
    this.#current.clear()
    this.#pending = []
    this.#good = 0
  }
}

export interface NaiveRules {
  readonly consecutive: number
  readonly windowCalls: number
  readonly buckets: number
  readonly bucketMs: number
  readonly minimumCalls: number
  readonly failureRate: number
  readonly slowRate: number
  readonly openMs: number
  readonly factor: number
  readonly maxMs: number
  readonly trials: number
  readonly required: number
  readonly limitMs: number
}
