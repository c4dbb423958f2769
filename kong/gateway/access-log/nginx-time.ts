/** Times as nginx writes them, in the local time zone. */

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const

const two = (value: number): string => String(value).padStart(2, '0')
const clock = (at: Date): string => `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`

/** `Nov  3 17:22:43` (RFC 3164). */
export function syslogTime(at: Date): string {
  return `${MONTHS[at.getMonth()]} ${String(at.getDate()).padStart(2)} ${clock(at)}`
}

/** `2026-11-24T01:52:25+00:00` */
export function isoTime(at: Date): string {
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}T${clock(at)}${zone(at, ':')}`
}

/** `24/Nov/2026:01:52:25 +0000` */
export function localTime(at: Date): string {
  return `${two(at.getDate())}/${MONTHS[at.getMonth()]}/${at.getFullYear()}:${clock(at)} ${zone(at, '')}`
}

function zone(at: Date, separator: string): string {
  const minutes = -at.getTimezoneOffset()
  const distance = Math.abs(minutes)
  return `${minutes < 0 ? '-' : '+'}${two(Math.floor(distance / 60))}${separator}${two(distance % 60)}`
}
