// The tries of a request, from the lists that nginx keeps of them. Read off a running Kong 3.9.1, case by case:
// test/fixtures/outcomes/kong-3.9.json.
import { normalTarget } from '../../operator/core/target-address.ts'
import { CLIENT_CLOSED, type Try } from './outcome.ts'

/** nginx's lists over the tries; each variable has as many entries as there were tries. */
export interface TryLists {
  readonly addresses: string
  readonly statuses: string
  /** In seconds. */
  readonly connectTimes: string
  readonly headerTimes: string
  readonly responseTimes: string
}

/** Of a try of which is not known whose it was: no instance is charged with what another has done. */
export const NOBODY = ''

/** Kong allows 32,767 retries. Of more tries than this only the last are kept. */
export const MAX_TRIES = 64

/**
 * Reads the lists of `$upstream_addr` and its like. A try that was due when nobody was left to ask has no address and
 * is none. Statuses that are not as many as the addresses belong to the last tries, of whomever. `lastStartMs` is when the
 * last try started, after the request's start: the ones before it ended then.
 */
export function readTries(lists: TryLists, lastStartMs: number | null): readonly Try[] {
  if (lists.addresses === '') return []
  const addresses = entries(lists.addresses)
  const statuses = entries(lists.statuses)
  const connects = entries(lists.connectTimes)
  const headers = entries(lists.headerTimes)
  const responses = entries(lists.responseTimes)
  const tries: Try[] = []
  const ahead = statusesAhead(lists.statuses, addresses.length)
  let endMs: number | null = null
  for (let i = addresses.length - 1; i >= 0 && tries.length < MAX_TRIES; i--) {
    const address = addresses[i]!
    if (address === '' || address === '-') continue
    const connectMs = millis(connects[i])
    const ttfbMs = millis(headers[i])
    const ms = millis(responses[i])
    const startMs: number | null =
      tries.length === 0 ? lastStartMs : endMs === null || ms === null ? null : Math.max(0, endMs - ms)
    tries.push({
      instance: ahead === 0 ? instanceOf(address) : NOBODY,
      status: statusOf(statuses[i + ahead], connectMs, ttfbMs),
      connectMs,
      ttfbMs,
      ms,
      startedAfterMs: startMs,
    })
    endMs = startMs
  }
  return tries.reverse()
}

/** Tries are listed with `, `; ` : ` stands before those that follow an internal redirect of nginx. */
export function entries(list: string): readonly string[] {
  return list.includes(', ') || list.includes(' : ') ? list.split(/, | : /) : [list]
}

/** How many statuses there are more than tries; 0 where there are none at all, which says nothing of whose a try was. */
export const statusesAhead = (list: string, tries: number): number =>
  list === '' ? 0 : entries(list).length - tries

/** `0.004` (seconds) -> 4; null for `-`, nothing and what is no number. */
export function millis(seconds: string | undefined): number | null {
  if (seconds === undefined || seconds === '' || seconds === '-') return null
  const ms = Math.round(Number(seconds) * 1_000)
  return ms >= 0 && ms < Number.MAX_SAFE_INTEGER ? ms : null
}

/** An address of a try as Kong names the target. */
export function instanceOf(address: string): string {
  return address.startsWith('[') ? normalTarget(address) : address
}

/**
 * nginx writes its own 502 and 504 in the same place as an instance's. An instance has answered when there is a time of
 * its header.
 */
function statusOf(text: string | undefined, connectMs: number | null, ttfbMs: number | null): Try['status'] {
  const status = text === undefined || text === '-' || text === '' ? Number.NaN : Number(text)
  if (!Number.isInteger(status)) return CLIENT_CLOSED
  if (ttfbMs !== null) return status
  if (status === 504) return 'timeout'
  if (status === 502 && connectMs === null) return 'connect_error'
  return status
}
