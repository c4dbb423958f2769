// Follows Consul's intentions by one blocking query, and what Consul does where none matches. What cannot be read stays
// as it was read last, with the reason: nobody is let in by an error.
import { type AcceptedIntentions, type Action, acceptIntentions } from '../core/intentions/intention.ts'
import type { Intentions } from '../core/intentions/join-access.ts'
import { type AnswerEvent, followBlockingQuery } from './blocking-query.ts'
import { ConsulError, isUnknownKind } from './consul-error.ts'
import type { Answer, ConsulReader } from './consul-reader.ts'
import { inParallel } from './in-parallel.ts'
import { KeptRows } from './keep-lost.ts'

export interface IntentionsWatchOptions {
  readonly reader: Pick<
    ConsulReader,
    'intentions' | 'intentionsFor' | 'intentionDefault' | 'mayCall' | 'entries'
  >
  readonly signal: AbortSignal
  /** What is known; another object each time it differs. */
  readonly onIntentions: (intentions: Intentions) => void
  /** Why they cannot be read; null when they can. */
  readonly onDoubt: (doubt: ConsulError | null) => void
  /** Services whose callers Kong keeps apart, once that is known: a first list without them is made sure of. */
  readonly gated?: () => Promise<readonly string[]>
  readonly waitMs?: number
}

type Rows = ReadonlyMap<string, unknown>

/** Destinations asked about at once. */
const ASKED_AT_ONCE = 8

/** Names that nobody has: what Consul answers for them is what it answers for whoever no intention names. */
const NOBODY = 'kongsul-nobody'
const NOWHERE = 'kongsul-nowhere'

export async function watchIntentions(options: IntentionsWatchOptions): Promise<void> {
  const { reader, signal, onIntentions, onDoubt, gated = async () => [], waitMs = 30_000 } = options
  const kept = new KeptRows<unknown>((one, other) => JSON.stringify(one) === JSON.stringify(other))
  let before: Rows | null = null
  let accepted: AcceptedIntentions | null = null
  let byDefault: Action | null = null
  let told: string | null = null
  /** The list that the default was asked for with; null: it is to be asked for. */
  let askedWith: string | null = null
  /** Does this Consul keep intentions as entries, as 1.9 and later do? */
  let hasEntries = true
  await followBlockingQuery({
    waitMs,
    signal,
    everyAnswer: true,
    read: async (o) => {
      const answer = await reader.intentions(o)
      await requireVisible(before ?? (await gated()), answer, reader, signal)
      const list = JSON.stringify(answer.body)
      // While there is one for everybody (* -> *) its answer is what comes: with another list the default may be told.
      if (askedWith !== list) byDefault = await readDefault(reader, signal)
      askedWith = list
      if (answer.body.length === 0 || !hasEntries) return answer
      const entries = await readEntries(reader, signal)
      hasEntries = entries !== null
      return { ...answer, body: withTokens(answer.body, entries ?? []) }
    },
    onAnswer: ({ body }, { backwards, broken }: AnswerEvent) => {
      onDoubt(null)
      const rows = kept.accept(byPair(body), backwards && broken)
      before = rows
      accepted = acceptIntentions(accepted, [...rows.values()])
      const text = JSON.stringify([byDefault, accepted])
      if (text === told) return
      told = text
      onIntentions({ accepted, byDefault })
    },
    onFailure: (error) => {
      // Another agent may answer next, started with another policy.
      askedWith = null
      hasEntries = true
      onDoubt(error)
    },
  })
}

/** What holds where no intention matches. @throws ConsulError */
async function readDefault(reader: IntentionsWatchOptions['reader'], signal: AbortSignal): Promise<Action> {
  const configured = await reader.intentionDefault({ signal })
  if (configured !== null) return configured
  return (await reader.mayCall(NOBODY, NOWHERE, { signal })) ? 'allow' : 'deny'
}

/** null: this Consul has no such kind (1.8.7 answers 500 then). @throws ConsulError */
async function readEntries(
  reader: IntentionsWatchOptions['reader'],
  signal: AbortSignal,
): Promise<readonly unknown[] | null> {
  try {
    // A server that is behind would list an intention without the tokens that its entry asks for.
    return (await reader.entries('service-intentions', { stale: false, signal })).body
  } catch (error) {
    if (isUnknownKind((error as Error).message)) return null
    throw error
  }
}

/** The list does not tell that an entry of newer versions asks for tokens of users as well (its JWT): the entry does. */
function withTokens(rows: readonly unknown[], entries: readonly unknown[]): readonly unknown[] {
  const asking = new Map(
    (entries as readonly { Name?: unknown; JWT?: unknown }[])
      .filter(({ JWT }) => JWT !== null && JWT !== undefined)
      .map(({ Name, JWT }) => [Name, JWT]),
  )
  if (asking.size === 0) return rows
  return (rows as readonly Row[]).map((row) => {
    const JWT = asking.get(row?.DestinationName)
    return JWT === undefined ? row : { ...row, JWT }
  })
}

/**
 * A token that may not read an intention gets a list without it, not an error (1.8.7 says nothing at all). What vanished
 * from the list, and of a first one whatever Kong enforces and it does not explain, is made sure of by the question for
 * one destination, which is refused.
 * @param before the list before, or the services that have something in Kong
 * @throws ConsulError when something is not listed that may be there
 */
async function requireVisible(
  before: Rows | readonly string[],
  { body, isFiltered = false }: Answer<readonly unknown[]>,
  reader: IntentionsWatchOptions['reader'],
  signal: AbortSignal,
): Promise<void> {
  if (isFiltered) throw hidden()
  const rows = byPair(body)
  const unexplained = isNames(before) ? unlisted(before, rows) : vanished(before, rows)
  await inParallel([...unexplained], ASKED_AT_ONCE, async (destination) => {
    const matching = byPair(await reader.intentionsFor(destination, { signal }))
    if ([...matching.keys()].some((pair) => !rows.has(pair))) throw hidden()
  })
}

const isNames = (before: Rows | readonly string[]): before is readonly string[] => Array.isArray(before)

const destinationOf = (pair: string): string => (JSON.parse(pair) as [string, string])[1]

/** Of a token that may read nothing at all a name that nobody has tells. */
function unlisted(services: readonly string[], rows: Rows): ReadonlySet<string> {
  const listed = new Set([...rows.keys()].map(destinationOf))
  return new Set([NOWHERE, ...services.filter((each) => !listed.has(each))])
}

const vanished = (before: Rows, rows: Rows): ReadonlySet<string> =>
  new Set([...before.keys()].filter((pair) => !rows.has(pair)).map(destinationOf))

const hidden = (): ConsulError =>
  new ConsulError(
    'CONSUL_DENIED',
    'connect.intentions',
    'intentions are there that are not listed: the token needs service_prefix "" read (which intentions "deny" takes away)',
  )

interface Row {
  readonly SourceName?: unknown
  readonly DestinationName?: unknown
  readonly SourceNS?: unknown
  readonly SourcePeer?: unknown
}

/** By who and whom; order is that of the key. */
function byPair(rows: readonly unknown[]): Rows {
  const named = rows.map((row) => {
    const { SourceName, DestinationName, SourceNS, SourcePeer } = (row ?? {}) as Row
    const place = [SourceNS, SourcePeer].filter((part) => part && part !== 'default')
    return [JSON.stringify([SourceName ?? null, DestinationName ?? null, ...place]), row] as const
  })
  return new Map(named.sort(([left], [right]) => (left < right ? -1 : 1)))
}
