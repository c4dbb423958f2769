import { useEffect } from 'preact/hooks'
import { Store, useStore } from './store.ts'

const now = new Store(Date.now())
let users = 0
let timer: ReturnType<typeof setInterval> | undefined

/** Epoch ms, once a second while somebody looks at it. */
export function useNow(): number {
  useEffect(() => {
    users++
    timer ??= setInterval(() => now.set(Date.now()), 1_000)
    now.set(Date.now())
    return () => {
      users--
      if (users > 0) return
      clearInterval(timer)
      timer = undefined
    }
  }, [])
  return useStore(now)
}
