import type { CircuitRow } from './list-circuits.ts'

/**
 * Circuits that were forced open and are let go in Kong. A plugin process hears of that with the next request, which it lets
 * through: until there is one it goes on telling that the circuit is forced open, which nothing holds any more.
 * @param isForcedInKong does Kong hold the service's breaker forced open?
 */
export function withoutLetGo(
  rows: readonly CircuitRow[],
  isForcedInKong: (service: string) => boolean,
): readonly CircuitRow[] {
  return rows.map((row) => {
    const isLetGo =
      row.state === 'forced_open' &&
      row.service !== '' &&
      row.mode !== 'forced_open' &&
      !isForcedInKong(row.service)
    if (!isLetGo) return row
    return { ...row, state: 'closed', since: null, until: null, reason: 'let go by hand, no request since' }
  })
}
