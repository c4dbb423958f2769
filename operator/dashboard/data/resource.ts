// What is read from the API again and again while somebody looks at it. Kept when nobody does, so that coming back shows
// something at once.
import { useEffect } from 'preact/hooks'
import { ApiFailure, type Failure, readJson, token } from './api.ts'
import { breath } from './breath.ts'
import { Store, useStore } from './store.ts'

export interface Loaded<T> {
  /** The last answer; null before the first. */
  readonly data: T | null
  /** Why the last try brought nothing; null when it did. */
  readonly failure: Failure | null
  /** When `data` came, epoch ms. */
  readonly atMs: number | null
}

const NOTHING: Loaded<never> = { data: null, failure: null, atMs: null }

/** However much happens: one reading is not begun sooner than this after the one before. */
const LEAST_GAP_MS = 1_000
/** A reading that takes long to handle makes room for what people do. */
const GAP_PER_HANDLING = 20
const AFTER_FAILURE_MS = 3_000

export interface ResourceOptions<T> {
  /** Asked for anew each time: it may depend on what is known. */
  readonly path: () => string
  readonly everyMs: number
  /** What is kept of an answer. */
  readonly take?: (answer: T, before: T | null) => T
  /** Tried where `path` is absent. */
  readonly instead?: (signal: AbortSignal) => Promise<T>
}

export class Resource<T> {
  readonly state = new Store<Loaded<T>>(NOTHING)
  readonly #options: ResourceOptions<T>
  #users = 0
  #timer: ReturnType<typeof setTimeout> | undefined
  #reading: AbortController | null = null
  #isDirty = false
  #startedMs = Number.NEGATIVE_INFINITY
  #gapMs = LEAST_GAP_MS

  constructor(options: ResourceOptions<T>) {
    this.#options = options
    all.add(this as Resource<unknown>)
  }

  /** @returns ends it */
  use(): () => void {
    this.#users++
    if (this.#users === 1) this.refresh()
    return () => {
      this.#users--
      if (this.#users === 0) this.#stop()
    }
  }

  /** Reads again, as soon as may be. */
  refresh(): void {
    if (this.#users === 0 || document.hidden) return
    if (this.#reading !== null) {
      this.#isDirty = true
      return
    }
    const waitMs = this.#startedMs + this.#gapMs - performance.now()
    if (waitMs > 0) this.#later(waitMs)
    else void this.#read()
  }

  /** At once, because somebody asks. */
  retry(): void {
    if (this.#reading === null) void this.#read()
  }

  pause(): void {
    this.#stop()
  }

  forget(): void {
    this.state.set(NOTHING)
  }

  get isUsed(): boolean {
    return this.#users > 0
  }

  #stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#reading?.abort()
    this.#reading = null
  }

  #later(ms: number): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.refresh(), ms)
  }

  async #read(): Promise<void> {
    const { path, take, instead, everyMs } = this.#options
    const reading = new AbortController()
    this.#reading = reading
    this.#isDirty = false
    this.#startedMs = performance.now()
    clearTimeout(this.#timer)
    try {
      const answer = await readJson<T>(path(), reading.signal).catch((error: unknown) => {
        if (instead !== undefined && error instanceof ApiFailure && error.failure.kind === 'absent') {
          return instead(reading.signal)
        }
        throw error
      })
      // To parse, to judge and to draw a thousand services is one task each, not one for all.
      await breath()
      if (reading.signal.aborted) return
      const beganMs = performance.now()
      const before = this.state.get().data
      const data = take === undefined ? answer : take(answer, before)
      this.#gapMs = Math.max(LEAST_GAP_MS, GAP_PER_HANDLING * (performance.now() - beganMs))
      if (take !== undefined) await breath()
      if (reading.signal.aborted) return
      this.state.set({ data, failure: null, atMs: Date.now() })
    } catch (error) {
      if (reading.signal.aborted) return
      const failure: Failure =
        error instanceof ApiFailure
          ? error.failure
          : { kind: 'refused', message: `this page failed: ${(error as Error).message}`, status: 0 }
      this.state.set({ ...this.state.get(), failure })
    }
    this.#reading = null
    if (this.#users === 0 || document.hidden) return
    const { failure } = this.state.get()
    this.#later(failure?.kind === 'unreachable' ? Math.min(everyMs, AFTER_FAILURE_MS) : everyMs)
    if (this.#isDirty && failure === null) this.refresh()
  }
}

const all = new Set<Resource<unknown>>()

/** Something happened: what is looked at is read again. */
export function refreshAll(): void {
  for (const each of all) each.refresh()
}

export function retryAll(): void {
  for (const each of all) if (each.isUsed) each.retry()
}

document.addEventListener('visibilitychange', () => {
  for (const each of all) {
    if (document.hidden) each.pause()
    else each.refresh()
  }
})

token.listen(retryAll)

const byPath = new Map<string, Resource<unknown>>()
const MOST_KEPT = 40

/** The answer of a path; null for nothing to ask. */
export function useResource<T>(path: string | null, everyMs = 10_000): readonly [Loaded<T>, () => void] {
  const resource = path === null ? NONE : (resourceOf(path, everyMs) as Resource<unknown>)
  useEffect(() => (path === null ? undefined : resource.use()), [resource])
  return [useStore(resource.state) as Loaded<T>, () => resource.retry()]
}

export function useShared<T>(resource: Resource<T>): readonly [Loaded<T>, () => void] {
  useEffect(() => resource.use(), [resource])
  return [useStore(resource.state), () => resource.retry()]
}

function resourceOf(path: string, everyMs: number): Resource<unknown> {
  const known = byPath.get(path)
  if (known !== undefined) {
    byPath.delete(path)
    byPath.set(path, known)
    return known
  }
  for (const [key, each] of byPath) {
    if (byPath.size < MOST_KEPT) break
    if (each.isUsed) continue
    byPath.delete(key)
    all.delete(each)
  }
  const made = new Resource<unknown>({ path: () => path, everyMs })
  byPath.set(path, made)
  return made
}

const NONE = new Resource<unknown>({ path: () => '', everyMs: 3_600_000 })
