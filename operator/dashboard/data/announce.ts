import { Store } from './store.ts'

/** What a screen reader is told; the same words again are told again. */
export const announcement = new Store<{ readonly text: string; readonly times: number }>({
  text: '',
  times: 0,
})

export function announce(text: string): void {
  announcement.set({ text, times: announcement.get().times + 1 })
}
