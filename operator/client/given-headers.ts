import type { OutgoingHttpHeaders } from 'node:http'
import { extract } from '../../plugins/propagation/extract.ts'
import { FORMATS } from '../../plugins/propagation/propagation-config.ts'
import type { RequestHeaders } from '../../plugins/propagation/request-headers.ts'

type Given = Record<string, string | string[]>

/** What an application gives node:http, in its three forms, with names in lower case. */
export function lowerCased(
  headers: OutgoingHttpHeaders | readonly string[] | Iterable<readonly [string, string]> | undefined,
): Given {
  const given: Given = {}
  for (const [name, value] of pairsOf(headers ?? {})) {
    if (value === undefined) continue
    given[name.toLowerCase()] = Array.isArray(value) ? value.map(String) : String(value)
  }
  return given
}

/** Whether the application gave the call a trace of its own. */
export const carriesTrace = (headers: RequestHeaders): boolean =>
  extract(headers, { extract: FORMATS })?.traceId != null

type Pairs = Iterable<readonly [string, unknown]>

function pairsOf(headers: NonNullable<Parameters<typeof lowerCased>[0]>): Pairs {
  if (!(Symbol.iterator in headers)) return Object.entries(headers)
  const list = [...(headers as Iterable<unknown>)]
  if (list.every((each) => typeof each === 'string')) {
    // Names and values in turns.
    return Array.from({ length: Math.floor(list.length / 2) }, (_, at) => [
      list[2 * at] as string,
      list[2 * at + 1],
    ])
  }
  return list as [string, string][]
}
