/** Numbers and times for people: short, of the same width where they stand below each other. */

const THIN = '\u202f'
/** What stands where there is no number. */
export const NONE = '–'

/** A second: `0`, `0.03`, `7.4`, `320`, `1.2k`. */
export function rate(perSecond: number | null | undefined): string {
  if (!isNumber(perSecond)) return NONE
  if (perSecond === 0) return '0'
  if (perSecond < 0.005) return '<0.01'
  if (perSecond < 1) return perSecond.toFixed(2)
  if (perSecond < 99.95) return perSecond.toFixed(1)
  return count(perSecond)
}

/** `0%`, `0.02%`, `4.6%`, `100%`; never rounds something up to all or down to nothing. */
export function percent(value: number | null | undefined): string {
  if (!isNumber(value)) return NONE
  if (value === 0 || value === 100) return `${value}%`
  if (value < 0.01) return '<0.01%'
  if (value < 1) return `${value.toFixed(2)}%`
  if (value > 99.9) return `${Math.min(99.99, Math.floor(value * 100) / 100)}%`
  return `${value < 10 || value > 99 ? value.toFixed(1) : Math.round(value)}%`
}

/** `0.42 ms`, `35 ms`, `1.24 s`, `2 min 5 s`. */
export function duration(ms: number | null | undefined): string {
  if (!isNumber(ms)) return NONE
  if (ms === 0) return `0${THIN}ms`
  if (ms < 0.0005) return `<1${THIN}µs`
  if (ms < 1) return `${Math.round(ms * 1000)}${THIN}µs`
  if (ms < 9.95) return `${ms.toFixed(1)}${THIN}ms`
  if (ms < 999.5) return `${Math.round(ms)}${THIN}ms`
  if (ms < 9_995) return `${(ms / 1000).toFixed(2)}${THIN}s`
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)}${THIN}s`
  return `${Math.floor(ms / 60_000)}${THIN}min ${Math.round((ms % 60_000) / 1000)}${THIN}s`
}

/** `950`, `1,240`, `12.3k`, `4.5M`. */
export function count(value: number | null | undefined): string {
  if (!isNumber(value)) return NONE
  if (value < 999.5) return String(Math.round(value))
  if (value < 9_999.5)
    return `${Math.floor(Math.round(value) / 1000)},${String(Math.round(value) % 1000).padStart(3, '0')}`
  if (value < 99_950) return `${(value / 1000).toFixed(1)}k`
  if (value < 999_500) return `${Math.round(value / 1000)}k`
  return `${(value / 1_000_000).toFixed(value < 9_950_000 ? 1 : 0)}M`
}

/** `3 s`, `12 min`, `4 h`, `3 d`: how long ago, or how long. */
export function span(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000))
  if (seconds < 60) return `${seconds}${THIN}s`
  if (seconds < 3_600) return `${Math.floor(seconds / 60)}${THIN}min`
  if (seconds < 48 * 3_600) return `${Math.floor(seconds / 3_600)}${THIN}h`
  return `${Math.floor(seconds / 86_400)}${THIN}d`
}

/** `12 min ago`; of a time to come `in 12 min`. */
export function ago(time: string | number | null, nowMs: number): string {
  if (time === null) return NONE
  const ms = typeof time === 'number' ? time : Date.parse(time)
  if (Number.isNaN(ms)) return NONE
  if (ms > nowMs + 1_500) return `in ${span(ms - nowMs)}`
  return nowMs - ms < 1_500 ? 'just now' : `${span(nowMs - ms)} ago`
}

/** `14:03:22`, with the day where it is not today's. */
export function clock(time: string, nowMs: number): string {
  const at = new Date(time)
  if (Number.isNaN(at.getTime())) return NONE
  const today = new Date(nowMs)
  const isToday =
    at.getFullYear() === today.getFullYear() &&
    at.getMonth() === today.getMonth() &&
    at.getDate() === today.getDate()
  const two = (value: number) => String(value).padStart(2, '0')
  const hours = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`
  return isToday ? hours : `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${hours}`
}

export const plural = (many: number, one: string, more = `${one}s`): string =>
  `${many < 1_000 ? many : count(many)} ${many === 1 ? one : more}`

/** Why a circuit opened, without the name that a program would go by: `5 failures in a row; ejected for 60 s`. */
export const plainReason = (reason: string): string => reason.replace(/^[a-z]+(?:_[a-z]+)+: /, '')

/** A value of a setting or of a field of Kong, on one line. */
export function shownValue(value: unknown): string {
  if (value === null || value === undefined) return 'not set'
  if (typeof value === 'string') return value === '' ? '""' : value
  if (Array.isArray(value) && value.every((each) => typeof each !== 'object')) {
    return value.length === 0 ? 'none' : value.join(', ')
  }
  return JSON.stringify(value)
}

const isNumber = (value: number | null | undefined): value is number =>
  typeof value === 'number' && Number.isFinite(value)
