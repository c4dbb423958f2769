/** Changes of the request headers, names in lower case. No name is in both. */
export interface HeaderChanges {
  /** One value each; it takes the place of all values the name had. */
  readonly set: Readonly<Record<string, string>>
  /** Names that came in and must not go out. Empty on almost every request. */
  readonly remove: readonly string[]
}

/** Header changes while formats write them. */
export interface HeaderDraft {
  readonly set: Record<string, string>
  /** May hold a name twice, or one that is also set. */
  readonly remove: string[]
}

/**
 * All changes as the one argument of the PDK's setHeaders, since each call of the PDK is a round trip: an empty list
 * takes a header off there (seen on Kong 3.9.1), while an empty text would go out as a space.
 */
export function inOneCall({ set, remove }: HeaderChanges): Record<string, string | readonly string[]> {
  const changes: Record<string, string | readonly string[]> = {}
  // Not spread: what is made by a spread has a hidden class of its own each time, and all that is done with it is slow.
  for (const name in set) changes[name] = set[name]!
  for (const name of remove) changes[name] = NOTHING
  return changes
}

const NOTHING: readonly string[] = []
