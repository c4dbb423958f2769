/**
 * A mergeable histogram of durations, for percentiles over any union of windows, instances and services.
 *
 * Log-linear: every power of two is cut into 64 equal buckets, so that a percentile is off by less than 1 % of its value
 * wherever it is. Buckets depend on the value alone, so histograms add and subtract without loss. Pure: no clock.
 */

/** Buckets of one power of two. */
const PARTS = 64
const LOG_PARTS = 6
/** 2^-10 ms, about a microsecond: everything below counts as that much. */
const LOWEST_EXPONENT = -10
/** 2^34 ms, more than half a year: everything above counts as that much. */
const HIGHEST_EXPONENT = 34
const LAST_INDEX = (HIGHEST_EXPONENT - LOWEST_EXPONENT) * PARTS

export interface HistogramJson {
  /** Index of the first bucket in `counts`. */
  readonly first: number
  readonly counts: readonly number[]
  readonly sumMs: number
}

export class LatencyHistogram {
  #first = 0
  /** Of the buckets from `#first` on; only as many as were ever needed. */
  #counts = NONE
  #count = 0
  #sumMs = 0

  get count(): number {
    return this.#count
  }

  get sumMs(): number {
    return this.#sumMs
  }

  /** 0 without samples. */
  get meanMs(): number {
    return this.#count === 0 ? 0 : this.#sumMs / this.#count
  }

  /** @param ms below 0 and what is no number count as 0 */
  record(ms: number): void {
    const value = usable(ms)
    this.#change(bucketOf(value), 1)
    this.#sumMs += value
  }

  /** Takes one sample back that was recorded before. */
  forget(ms: number): void {
    const value = usable(ms)
    this.#change(bucketOf(value), -1)
    this.#sumMs = this.#count === 0 ? 0 : this.#sumMs - value
  }

  add(other: LatencyHistogram): void {
    this.#merge(other, 1)
  }

  /** Takes out what was added before. */
  subtract(other: LatencyHistogram): void {
    this.#merge(other, -1)
  }

  /**
   * Nearest-rank percentile.
   * @param percent 0 to 100
   * @returns ms, within 1 %; null without samples
   */
  percentile(percent: number): number | null {
    if (this.#count === 0) return null
    const rank = Math.max(1, Math.ceil((percent / 100) * this.#count))
    let seen = 0
    for (let i = 0; i < this.#counts.length; i++) {
      seen += this.#counts[i]!
      if (seen >= rank) return middleOf(this.#first + i)
    }
    return middleOf(this.#first + this.#counts.length - 1)
  }

  /** How many samples were at most `ms`, to the width of a bucket: for histograms with bounds of their own. */
  countUpTo(ms: number): number {
    const last = bucketOf(usable(ms)) - this.#first
    let seen = 0
    for (let i = 0; i < this.#counts.length && i <= last; i++) seen += this.#counts[i]!
    return seen
  }

  toJSON(): HistogramJson {
    return { first: this.#first, counts: [...this.#counts], sumMs: this.#sumMs }
  }

  /** @throws RangeError for what no histogram has told */
  static from({ first, counts, sumMs }: HistogramJson): LatencyHistogram {
    const isBucket = (at: number) => Number.isInteger(at) && at >= 0 && at <= LAST_INDEX
    const isCount = (count: number) => Number.isInteger(count) && count >= 0
    const last = first + Math.max(0, counts.length - 1)
    if (!isBucket(first) || !isBucket(last) || !counts.every(isCount) || !Number.isFinite(sumMs)) {
      throw new RangeError('this is no histogram')
    }
    const histogram = new LatencyHistogram()
    histogram.#first = first
    histogram.#counts = Uint32Array.from(counts)
    histogram.#count = counts.reduce((sum, count) => sum + count, 0)
    histogram.#sumMs = sumMs
    return histogram
  }

  #merge(other: LatencyHistogram, sign: 1 | -1): void {
    const { length } = other.#counts
    if (length === 0) return
    this.#reach(other.#first)
    this.#reach(other.#first + length - 1)
    const offset = other.#first - this.#first
    for (let i = 0; i < length; i++) this.#counts[offset + i]! += sign * other.#counts[i]!
    this.#count += sign * other.#count
    this.#sumMs = this.#count === 0 ? 0 : this.#sumMs + sign * other.#sumMs
  }

  #change(index: number, by: 1 | -1): void {
    this.#reach(index)
    this.#counts[index - this.#first]! += by
    this.#count += by
  }

  #reach(index: number): void {
    const { length } = this.#counts
    if (length === 0) {
      this.#first = index
      this.#counts = new Uint32Array(1)
      return
    }
    const end = this.#first + length
    if (index >= this.#first && index < end) return
    const first = Math.min(this.#first, index)
    // Some room to the side that grows: latencies spread out step by step.
    const reached = Math.min(LAST_INDEX + 1, index < this.#first ? end : index + 1 + (length >> 2))
    const grown = new Uint32Array(reached - first)
    grown.set(this.#counts, this.#first - first)
    this.#first = first
    this.#counts = grown
  }
}

const usable = (ms: number): number =>
  Number.isNaN(ms) ? 0 : Math.min(Math.max(ms, 0), 2 ** HIGHEST_EXPONENT)

const NONE = new Uint32Array(0)
const float = new Float64Array(1)
const words = new Uint32Array(float.buffer)
/** Which of the two words holds the exponent depends on the machine's byte order. */
const HIGH_WORD = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1 ? 1 : 0

/** Read off the number's bits: exponent, and the first bits of its fraction. */
function bucketOf(ms: number): number {
  float[0] = ms
  const high = words[HIGH_WORD]!
  const exponent = (high >>> 20) - 1023
  if (exponent < LOWEST_EXPONENT) return 0
  if (exponent >= HIGHEST_EXPONENT) return LAST_INDEX
  return (exponent - LOWEST_EXPONENT) * PARTS + ((high >>> (20 - LOG_PARTS)) & (PARTS - 1))
}

/** The value that stands for a bucket. */
function middleOf(index: number): number {
  const exponent = Math.floor(index / PARTS) + LOWEST_EXPONENT
  const part = index % PARTS
  return 2 ** exponent * (1 + (part + 0.5) / PARTS)
}
