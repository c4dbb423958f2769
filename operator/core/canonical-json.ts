/** One text for equal values: keys sorted, `undefined` as null. What hashes and comparisons are made of. */

import type { Json } from './entity.ts'

export function canonicalJson(value: Json | undefined): string {
  if (value === undefined || value === null) return 'null'
  if (typeof value !== 'object') return JSON.stringify(value)
  if (isList(value)) return `[${value.map(canonicalJson).join(',')}]`
  const members = Object.keys(value)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${canonicalJson(value[key])}`)
  return `{${members.join(',')}}`
}

export function isSameJson(left: Json | undefined, right: Json | undefined): boolean {
  if (left === right) return true
  const isPlain = (value: Json | undefined): boolean => value === null || typeof value !== 'object'
  if (isPlain(left) && isPlain(right)) return (left ?? null) === (right ?? null)
  return canonicalJson(left) === canonicalJson(right)
}

const isList = (value: Json): value is readonly Json[] => Array.isArray(value)
