/** Entries of the old streams: one field `json`, and what to make of those that have something else. */

export interface StreamEntry {
  /** `<ms>-<seq>` */
  readonly id: string
  readonly fields: ReadonlyMap<string, string>
}

/** Entries as Redis answers them: [id, [field, value, ...]]; ones that were deleted meanwhile have no fields. */
export function entriesOf(reply: unknown): StreamEntry[] {
  if (!Array.isArray(reply)) return []
  return reply.flatMap((entry: unknown) => {
    if (!Array.isArray(entry) || !Array.isArray(entry[1])) return []
    return [{ id: String(entry[0]), fields: pairsOf(entry[1]) }]
  })
}

/** A flat list of names and values, as Redis answers hashes and entries. */
export function pairsOf(flat: readonly unknown[]): Map<string, string> {
  const pairs = new Map<string, string>()
  for (let at = 0; at + 1 < flat.length; at += 2) pairs.set(String(flat[at]), String(flat[at + 1]))
  return pairs
}

/**
 * JSON text of what an entry holds: the text of its field `json` as it is, so that no number loses digits; of an entry
 * without such a field, or with one that does not parse, its raw fields.
 */
export function entryJson({ fields }: StreamEntry): string {
  const text = fields.get('json')
  if (text !== undefined && isJson(text)) return text
  return JSON.stringify(Object.fromEntries(fields))
}

export function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false // what is not JSON is answered as text
  }
}

/** `[{"id":...,"data":...},...]`, data exactly as it was written. */
export const entriesJson = (entries: readonly StreamEntry[]): string =>
  `[${entries.map((entry) => `{"id":${JSON.stringify(entry.id)},"data":${entryJson(entry)}}`).join(',')}]`

/** The first id after this one. */
export function idAfter(id: string): string {
  const [ms = '0', seq = '0'] = id.split('-')
  return `${ms}-${BigInt(seq) + 1n}`
}
