import type { FirstSync } from '../sync/first-sync.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { StatusLine } from './status-line.ts'

const REDRAW_MS = 200
const LOG_MS = 5_000

/** Whole seconds until the first sync is over, at the speed it had so far; null while nothing is done. */
export function secondsLeft({ done, total, tookMs }: FirstSync): number | null {
  return done === 0 ? null : Math.ceil(((total - done) * tookMs) / done / 1000)
}

/** `first sync 812/2,000 services, 5 s left` */
export function firstSyncLine(progress: FirstSync): string {
  const left = secondsLeft(progress)
  const count = (number: number) => number.toLocaleString('en')
  return `first sync ${count(progress.done)}/${count(progress.total)} services${left === null ? '' : `, ${left} s left`}`
}

/**
 * Shows how far the first sync is until it is over: on a terminal in one line that is drawn anew, else every five
 * seconds in the log.
 * @returns ends it
 */
export function showFirstSync(
  read: () => FirstSync | null,
  { line, log }: { readonly line: StatusLine; readonly log: Logger },
): () => void {
  let hasBegun = false
  const timer = setInterval(
    () => {
      const progress = read()
      if (progress === null) {
        if (hasBegun) end()
        return
      }
      hasBegun = true
      if (line.isTTY) line.show(firstSyncLine(progress))
      else {
        const { done, total } = progress
        log.info('first sync', { done, total, secondsLeft: secondsLeft(progress) })
      }
    },
    line.isTTY ? REDRAW_MS : LOG_MS,
  )
  timer.unref()
  const end = () => {
    clearInterval(timer)
    line.show('')
  }
  return end
}
