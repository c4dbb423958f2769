import { CONSUL, deniedService, hiddenNodes, hiddenService, requireConsul } from './catalog-doubt.ts'
import { ConsulError, isAboutOneService } from './consul-error.ts'
import type { Answer, ConsulReader } from './consul-reader.ts'
import { inParallel } from './in-parallel.ts'
import { type Expectation, shows } from './pending-reads.ts'
import type { RawServiceRow } from './raw-rows.ts'

export interface ServiceReads {
  readonly reader: ConsulReader
  readonly signal: AbortSignal
  readonly parallel: number
  /** An answer that was had already, and is newer than what is known of the service. */
  readonly listed?: (service: string) => ServiceRows | undefined
  /** Does the list of names have it? Then an empty answer is doubted. */
  readonly isExpected: (service: string) => boolean
  /** May the token read it? Asked before a service counts as gone. */
  readonly mayRead?: ((service: string) => Promise<boolean>) | undefined
}

type ServiceRows = Answer<readonly RawServiceRow[]>
export type ServiceAnswer = ServiceRows | ConsulError

/**
 * The instances of services, in the order asked; an error for one that Consul does not answer for while it does for
 * others. An answer that does not show yet what it was asked for is asked for again, from the leader. A token that sees
 * not even Consul's own instances sees nobody's: nothing of the answers is believed then.
 * @throws ConsulError when it is not about one service
 */
export async function readServices(
  asked: readonly (readonly [service: string, expected: Expectation])[],
  { reader, signal, parallel, listed, isExpected, mayRead }: ServiceReads,
): Promise<readonly ServiceAnswer[]> {
  const answers = await inParallel(asked, parallel, async ([name, expected]): Promise<ServiceAnswer> => {
    const had = listed?.(name)
    if (had !== undefined && shows(expected, had.index, had.body)) return had
    const read = (stale: boolean) => reader.service(name, { stale, signal })
    try {
      const answer = await read(true)
      return shows(expected, answer.index, answer.body) ? answer : await read(false)
    } catch (error) {
      if (error instanceof ConsulError && isAboutOneService(error)) return error
      throw error
    }
  })
  const isEmpty = (answer: ServiceAnswer) => !(answer instanceof ConsulError) && answer.body.length === 0
  const empty = asked.map(([name]) => name).filter((_, at) => isEmpty(answers[at]!))
  if (empty.length === 0) return answers
  const emptied = empty.filter(isExpected)
  const hidden = emptied.length === 0 ? new Set<string>() : await stillListed(emptied, reader, signal)
  if (hidden.has(CONSUL)) throw hiddenNodes()
  const gone = mayRead === undefined ? [] : empty.filter((name) => !hidden.has(name))
  const allowed = await inParallel(gone, parallel, async (name) => await mayRead!(name))
  const denied = new Set(gone.filter((_, at) => !allowed[at]))
  return answers.map((answer, at) => {
    const name = asked[at]![0]
    return hidden.has(name) ? hiddenService(name) : denied.has(name) ? deniedService(name) : answer
  })
}

/**
 * A token that may no longer read a service gets an empty list, not an error: a service is gone when the list of
 * names says so, too.
 */
async function stillListed(
  names: readonly string[],
  reader: ConsulReader,
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  const { body } = await reader.services({ stale: false, signal })
  requireConsul(body)
  return new Set(names.filter((name) => body[name] !== undefined))
}
