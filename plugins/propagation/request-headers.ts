/**
 * Request headers as the PDK gives them: lower-case names; a name that came more than once has an array. Over MsgPack a
 * name that came once has one too.
 */
export type RequestHeaders = Readonly<Record<string, string | readonly string[] | undefined>>

/**
 * How many headers to ask the PDK for. Kong gives 100 unless told otherwise, and a trace header may come after them;
 * 1,000 is the most it allows (kong.request.get_headers).
 */
export const MAX_HEADERS = 1_000

/** The one value of a header without the white space around it; undefined when it is absent or came more than once. */
export function soleValue(headers: RequestHeaders, name: string): string | undefined {
  const value = rawValue(headers, name)
  return value === undefined ? undefined : trimWhiteSpace(value)
}

/** The same as it came. */
export function rawValue(headers: RequestHeaders, name: string): string | undefined {
  const value: unknown = headers[name]
  const sole: unknown = Array.isArray(value) && value.length === 1 ? value[0] : value
  return typeof sole === 'string' ? sole : undefined
}

/** Whether a header came at all, once or more often. */
export const cameIn = (headers: RequestHeaders, name: string): boolean => headers[name] !== undefined

/** All lines of a header, in order. */
export function linesOf(headers: RequestHeaders, name: string): readonly string[] {
  const value: unknown = headers[name]
  if (typeof value === 'string') return [value]
  return Array.isArray(value) ? value.filter((line) => typeof line === 'string') : []
}

/** Takes off OWS, spaces and tabs alone (RFC 9110, 5.6.3); nginx leaves tabs where they are. */
export function trimWhiteSpace(text: string): string {
  let from = 0
  let to = text.length
  while (from < to && isWhiteSpace(text.charCodeAt(from))) from++
  while (to > from && isWhiteSpace(text.charCodeAt(to - 1))) to--
  return from === 0 && to === text.length ? text : text.slice(from, to)
}

const isWhiteSpace = (code: number): boolean => code === 0x20 || code === 0x09
