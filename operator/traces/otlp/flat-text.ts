import { cut, MOST_VALUE_CHARS } from './limits.ts'
import type { Notes } from './span-input.ts'

/** A list or a map as JSON text; integers that JSON's numbers do not hold as text. */
export function flatText(value: object, notes: Notes): string {
  const text = JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'bigint'
      ? String(inner)
      : typeof inner === 'number' && !Number.isFinite(inner)
        ? String(inner)
        : inner,
  )
  return cut(text, MOST_VALUE_CHARS, notes)
}
