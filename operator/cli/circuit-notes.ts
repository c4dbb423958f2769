import type { CircuitRow } from '../sync/list-circuits.ts'

/** Circuits that are not as they should be, once each however many processes tell; `unknown` is nobody's word. */
export function troubled(circuits: readonly CircuitRow[]): readonly CircuitRow[] {
  const found = new Map<string, CircuitRow>()
  for (const row of circuits) {
    const place = `${row.service} ${row.target ?? ''} ${row.address ?? ''}`
    if (!isQuiet(row.state) && !found.has(place)) found.set(place, row)
  }
  return [...found.values()]
}

/** `instance api-1 of api is ejected for 12 s, tried again in 48 s: 5 failures in a row`. */
export function circuitNote(row: CircuitRow, nowMs: number): string {
  const { service, target, address, instance_id: id, reason, mode } = row
  // '': somebody put the plugin on a route or service of their own, which no command knows.
  const name = service === '' ? 'a service that is not of kongsul' : service
  const what =
    target !== null
      ? `${address ? `address ${address} of ` : ''}instance ${id ?? target} of ${name}`
      : service === ''
        ? `the circuit of ${name}`
        : `service ${name}`
  const why = reason === '' ? '' : `: ${reason}`
  const remedy = service === '' ? 'config.mode of its plugin in Kong' : `kongsul circuits auto ${name}`
  const mended = row.state === 'forced_open' ? ` (${remedy})` : ''
  const by = mode === 'auto' || row.state === 'forced_open' ? '' : `, mode ${mode}`
  return `${what} is ${stateText(row, nowMs)}${by}${why}${mended}`
}

/** `ejected for 12 s, tried again in 48 s`. */
export function stateText(
  { state, since, until }: Pick<CircuitRow, 'state' | 'since' | 'until'>,
  nowMs: number,
): string {
  const began = since === null ? '' : ` for ${duration(nowMs - Date.parse(since))}`
  const ends = until === null ? '' : `, tried again ${fromNow(until, nowMs)}`
  return `${state.replaceAll('_', ' ')}${began}${ends}`
}

/** `3 min ago`, or `in 12 s`; '' for null. */
export function fromNow(iso: string | null, nowMs: number): string {
  if (iso === null) return ''
  const ms = Date.parse(iso) - nowMs
  if (Math.abs(ms) < 500) return 'now'
  return ms > 0 ? `in ${duration(ms)}` : `${duration(-ms)} ago`
}

/** The largest unit that says something: `48 s`, `5 min`, `3 h`, `2 days`. */
function duration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000))
  if (seconds < 120) return `${seconds} s`
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`
  if (seconds < 172_800) return `${Math.round(seconds / 3_600)} h`
  return `${Math.round(seconds / 86_400)} days`
}

const isQuiet = (state: string): boolean => state === 'closed' || state === 'unknown'
