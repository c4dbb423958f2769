/** Several Admin URLs: are they nodes of one database, or nodes without one that each need their own configuration? */

export type NodeKind = 'database' | 'dbless'

/** What `GET /status` of one node said. */
export interface NodeProbe {
  readonly url: string
  /** null: no answer. */
  readonly kind: NodeKind | null
  /** Of a node with a database: can it reach it? */
  readonly isDatabaseReachable: boolean
  /** Why there is no answer. */
  readonly error: Error | null
}

export type NodesVerdict =
  /** One of them is enough: the others have the same rows. */
  | { readonly kind: 'database'; readonly use: string }
  /** Each is kept in step on its own; `use` is the first of them that answers. */
  | { readonly kind: 'dbless'; readonly use: string }
  /** Nothing is written. */
  | { readonly kind: 'mixed'; readonly message: string }
  | { readonly kind: 'silent'; readonly error: Error }

/**
 * @param probes in the order of the configuration
 * @param current the node in use, kept while it can be
 */
export function judgeNodes(probes: readonly NodeProbe[], current: string): NodesVerdict {
  const dbless = probes.filter(({ kind }) => kind === 'dbless')
  const withDatabase = probes.filter(({ kind }) => kind === 'database')
  if (dbless.length > 0 && withDatabase.length > 0) {
    return { kind: 'mixed', message: mixedMessage(dbless[0]!.url, withDatabase[0]!.url) }
  }
  if (dbless.length > 0) return { kind: 'dbless', use: dbless[0]!.url }
  const reachable = withDatabase.filter(({ isDatabaseReachable }) => isDatabaseReachable)
  const usable = reachable.length > 0 ? reachable : withDatabase
  const best = usable.find(({ url }) => url === current) ?? usable[0]
  if (best !== undefined) return { kind: 'database', use: best.url }
  return { kind: 'silent', error: probes[0]?.error ?? new Error('Kong has no Admin URL') }
}

const RULE = 'kong.adminUrl takes nodes of one database, or nodes without one, not both'

const mixedMessage = (dblessUrl: string, databaseUrl: string): string =>
  `${dblessUrl} runs without a database and ${databaseUrl} with one: ${RULE}`

/** What is wrong with a node that is of another kind than the others. */
export const otherKindMessage = (url: string, kind: NodeKind): string =>
  kind === 'dbless'
    ? `${url} runs without a database and the other nodes with one: ${RULE}`
    : `${url} runs with a database and the other nodes without: ${RULE}`
