/** The one stretch of time that charts and lists look back. Numbers beside them are of the last minute. */

export const RANGES = [
  { id: '5m', label: '5 min', ms: 300_000 },
  { id: '15m', label: '15 min', ms: 900_000 },
  { id: '1h', label: '1 hour', ms: 3_600_000 },
  { id: '3h', label: '2 h 45', ms: 9_900_000 },
] as const
export type RangeId = (typeof RANGES)[number]['id']
export const DEFAULT_RANGE: RangeId = '15m'

export const isRange = (text: string | undefined): text is RangeId => RANGES.some(({ id }) => id === text)

export const rangeMs = (id: RangeId): number => RANGES.find((range) => range.id === id)!.ms

export const rangeLabel = (id: RangeId): string => RANGES.find((range) => range.id === id)!.label
