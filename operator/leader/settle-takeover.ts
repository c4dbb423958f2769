import { askPredecessor } from './ask-predecessor.ts'
import type { LeaseState } from './lease.ts'
import type { Holder } from './lock-value.ts'
import { now, pause, type Seat } from './seat.ts'
import { ASK_EVERY_MS } from './timing.ts'

/**
 * After the lock was taken from somebody who did not give it back: asks earlier holders until each is known to have
 * stopped or its time is over, and notes in the key that they no longer matter.
 * @param value text to write into the key
 */
export async function settleTakeover(seat: Seat, value: () => string): Promise<void> {
  const first = leading(seat.state())
  if (first === null || first.waitsFor.length === 0) return
  const session = first.session.id
  const current = () => {
    const state = leading(seat.state())
    return seat.leaving.aborted || state?.session.id !== session ? null : state
  }
  const ask = async (holder: Holder) => {
    if (holder.address === null) return
    const answer = await askPredecessor(holder.address, 2 * ASK_EVERY_MS)
    if (answer === 'gone') seat.dispatch({ type: 'predecessorGone', holder, now: now() })
  }
  for (let state = current(); state !== null && now() < state.writesFrom; state = current()) {
    await Promise.all(state.waitsFor.map(ask))
    const left = current()
    if (left !== null) await pause(Math.min(ASK_EVERY_MS, left.writesFrom - now()), seat.leaving)
  }
  if (current() === null) return
  await seat.lock.acquire(session, value()).catch((error: Error) => {
    // The key goes on naming them, and a successor of ours asks them once more: slower, not wrong.
    seat.log.debug('noting the end of the takeover failed', { reason: error.message })
  })
}

function leading(state: LeaseState) {
  return state.at === 'leader' ? state : null
}
