import { useEffect, useRef, useState } from 'preact/hooks'

/** A value that changes, and who draws it. */
export class Store<T> {
  #value: T
  readonly #listeners = new Set<() => void>()

  constructor(value: T) {
    this.#value = value
  }

  get(): T {
    return this.#value
  }

  set(value: T): void {
    if (Object.is(value, this.#value)) return
    this.#value = value
    for (const tell of [...this.#listeners]) tell()
  }

  /** @returns ends it */
  listen(tell: () => void): () => void {
    this.#listeners.add(tell)
    return () => this.#listeners.delete(tell)
  }
}

/** The value, or what is read out of it; drawn anew when that is another. */
export function useStore<T>(store: Store<T>): T
export function useStore<T, R>(store: Store<T>, read: (value: T) => R): R
export function useStore<T, R>(store: Store<T>, read?: (value: T) => R): T | R {
  const select = (value: T): T | R => (read === undefined ? value : read(value))
  const selected = select(store.get())
  const shown = useRef(selected)
  shown.current = selected
  const [, redraw] = useState(0)
  useEffect(
    () =>
      store.listen(() => {
        if (!Object.is(select(store.get()), shown.current)) redraw((times) => times + 1)
      }),
    [store],
  )
  return selected
}
