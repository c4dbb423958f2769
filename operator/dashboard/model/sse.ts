/** Server-sent events out of a stream of text (https://html.spec.whatwg.org/multipage/server-sent-events.html). */

export interface StreamEvent {
  readonly id: string
  readonly kind: string
  readonly data: string
}

/** @returns takes the next piece of text, answers the events that it completed */
export function sseParser(): (text: string) => readonly StreamEvent[] {
  let rest = ''
  let id = ''
  let kind = ''
  let data: string[] = []
  return (text) => {
    const lines = `${rest}${text}`.split(/\r\n|\n|\r(?!$)/)
    rest = lines.pop() ?? ''
    const events: StreamEvent[] = []
    for (const line of lines) {
      if (line === '') {
        if (data.length > 0) events.push({ id, kind: kind || 'message', data: data.join('\n') })
        kind = ''
        data = []
        continue
      }
      const at = line.indexOf(':')
      if (at === 0) continue
      const field = at < 0 ? line : line.slice(0, at)
      const value = at < 0 ? '' : line.slice(at + 1).replace(/^ /, '')
      if (field === 'id') id = value
      else if (field === 'event') kind = value
      else if (field === 'data') data.push(value)
    }
    return events
  }
}

/** ms until the next try: doubling to half a minute. @param random 0 to 1 */
export const reconnectDelay = (attempt: number, random: number): number =>
  Math.min(30_000, 500 * 2 ** Math.min(attempt, 10)) * (0.75 + random / 2)
