import { trimWhiteSpace } from '../request-headers.ts'

const MAX_MEMBERS = 32
const MAX_KEY_CHARS = 256
const MAX_VALUE_CHARS = 256
/** More than 32 of the longest members with generous white space; longer ones are not even looked through. */
const MAX_CHARS = 32_768

/**
 * The lines of a tracestate header as one, without empty members and the white space between them. Null when nothing
 * is left, or when it breaks a rule of W3C Trace Context level 2: then nobody can tell what a part of it meant, and the
 * whole of it is dropped.
 */
export function combineTracestate(lines: readonly string[]): string | null {
  let chars = 0
  for (const line of lines) chars += line.length
  if (chars > MAX_CHARS) return null
  const members: string[] = []
  for (const line of lines) {
    for (let from = 0; from <= line.length; ) {
      const comma = line.indexOf(',', from)
      const to = comma < 0 ? line.length : comma
      const member = trimWhiteSpace(line.slice(from, to))
      if (member !== '') {
        if (members.length === MAX_MEMBERS || !isMember(member)) return null
        members.push(member)
      }
      from = to + 1
    }
  }
  return members.length === 0 ? null : members.join(',')
}

function isMember(member: string): boolean {
  const equals = member.indexOf('=')
  if (equals < 1 || equals > MAX_KEY_CHARS) return false
  if (!isLowerOrDigit(member.charCodeAt(0))) return false
  for (let i = 1; i < equals; i++) if (!isKeyChar(member.charCodeAt(i))) return false
  const valueChars = member.length - equals - 1
  if (valueChars < 1 || valueChars > MAX_VALUE_CHARS) return false
  for (let i = equals + 1; i < member.length; i++) if (!isValueChar(member.charCodeAt(i))) return false
  return true
}

const isLowerOrDigit = (code: number): boolean =>
  (code >= 0x61 && code <= 0x7a) || (code >= 0x30 && code <= 0x39)

/** Also `_ - * / @`. */
const isKeyChar = (code: number): boolean =>
  isLowerOrDigit(code) || code === 0x5f || code === 0x2d || code === 0x2a || code === 0x2f || code === 0x40

/** Printable ASCII but for the comma, which cannot get here, and the equals sign. */
const isValueChar = (code: number): boolean => code >= 0x20 && code <= 0x7e && code !== 0x3d
