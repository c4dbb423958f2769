/** Building blocks of the settings schema. Each says in its message what the value must be; the field's name comes before it. */

import { z } from 'zod'
import { regexFault } from './regex-fault.ts'

export const wholeNumber = (least: number, most: number) => {
  const error = `must be a whole number from ${least} to ${most}`
  return z.int({ error }).min(least, { error }).max(most, { error })
}

export const numberFrom = (least: number, most: number) => {
  const error = `must be a number from ${least} to ${most}`
  return z.number({ error }).min(least, { error }).max(most, { error })
}

export const oneOf = <const T extends readonly string[]>(values: T) =>
  z.enum(values, { error: `must be one of ${values.join(', ')}` })

export const yesOrNo = () => z.boolean({ error: 'must be true or false' })

export const textLike = (pattern: RegExp, what: string) =>
  z.string({ error: `must be ${what}` }).regex(pattern, { error: `must be ${what}` })

export const listOf = <T extends z.ZodType>(item: T, most: number) =>
  z.array(item, { error: 'must be a list' }).max(most, { error: `must have at most ${most} entries` })

/** A list of at least one. */
export const someOf = <T extends z.ZodType>(item: T, most: number) =>
  listOf(item, most).min(1, { error: 'must have at least 1 entry' })

/** An object of which every key may be left out and no other key is taken. */
export const section = <T extends z.ZodRawShape>(shape: T) =>
  z.strictObject(shape, {
    error: (issue) => (issue.code === 'invalid_type' ? 'must be an object' : undefined),
  })

const HOST = /^(?:\*\.)?[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?(?:\.\*)?(?::\d{1,5})?$/

/** Kong's rule for `hosts` of a route: one wildcard, at the left or at the right end. */
export const host = () => z.string({ error: HOST_ERROR }).refine(isRouteHost, { error: HOST_ERROR })

const HOST_ERROR = 'must be a host name such as shop.example.com or *.example.com'

export function isRouteHost(text: string): boolean {
  if (text.length > 253 || !HOST.test(text) || /\.\.|-\./.test(text)) return false
  const port = /:(\d+)$/.exec(text)?.[1] ?? '1'
  return (text.match(/\*/g) ?? []).length <= 1 && Number(port) >= 1 && Number(port) <= 65_535
}

/** A prefix as Kong takes it, or `~/...`, a regular expression. */
export const path = () => z.string({ error: PATH_ERROR }).refine(isRoutePath, { error: PATH_ERROR })

const PATH_ERROR =
  'must be a path that starts with / in normal form (no //, no dot segments, no needless %), or ~/ and a regular expression without look-around'

export function isRoutePath(text: string): boolean {
  if (text.length > 2_000 || text.includes('//')) return false
  return text.startsWith('~/') ? regexFault(text.slice(1)) === null : isNormalPath(text)
}

/**
 * Kong refuses prefixes that its normalisation would change (kong/tools/uri.lua): it decodes every escape that is not
 * of a reserved character, writes the rest in capitals and resolves dot segments.
 */
function isNormalPath(text: string): boolean {
  if (!/^\/[A-Za-z0-9._~/%:@!$&'()*+,;=-]*$/.test(text)) return false
  if (text.split('/').some((segment) => segment === '.' || segment === '..')) return false
  const escapes = text.match(/%.{0,2}/g) ?? []
  return escapes.every(
    (code) =>
      /^%[0-9A-F]{2}$/.test(code) &&
      "!*'();:@&=+$,/?%#[]".includes(String.fromCharCode(Number.parseInt(code.slice(1), 16))),
  )
}
