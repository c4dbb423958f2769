/**
 * The form of what kongsul keeps in tags on Kong's entities and in KV. It is raised when an older version would misread what a newer one
 * writes: that one then leaves alone what it cannot read, instead of taking it for somebody's edit.
 */

/** What this version writes, and the newest that it reads. Tags without a format are of format 1. */
export const FORMAT = 1

const TAG_PREFIX = 'kongsul.format:'

/** KV: which format the operators of these settings write. */
export const FORMAT_KEY = 'mesh/format'

/** Format of an entity's tags: 1 where they name none, Infinity where what they name is no number. */
export function formatOf(tags: readonly string[]): number {
  const tag = tags.find((each) => each.startsWith(TAG_PREFIX))
  return tag === undefined ? 1 : numberOf(tag.slice(TAG_PREFIX.length))
}

export const isNewerFormat = (tags: readonly string[]): boolean => formatOf(tags) > FORMAT

/** Format that KV tells; null where it tells none. */
export function formatInKv(text: string | undefined): number | null {
  if (text === undefined) return null
  try {
    return numberOf(String((JSON.parse(text) as { readonly format?: unknown } | null)?.format))
  } catch {
    return Number.POSITIVE_INFINITY // of a version that writes something else there
  }
}

/** What the leading operator writes to KV. */
export const formatText = (version: string): string => JSON.stringify({ format: FORMAT, kongsul: version })

const numberOf = (text: string): number => (/^\d{1,6}$/.test(text) ? Number(text) : Number.POSITIVE_INFINITY)
