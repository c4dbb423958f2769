/** What is shown is all in the address after `#`, so that a link shows somebody else the same. */

import { DEFAULT_RANGE, isRange, type RangeId } from './ranges.ts'

export const PAGES = [
  'overview',
  'graph',
  'service',
  'traces',
  'trace',
  'changes',
  'configuration',
  'overrides',
] as const
export type PageName = (typeof PAGES)[number]

export interface Place {
  readonly page: PageName
  /** Name of the service, or id of the trace. '' elsewhere. */
  readonly id: string
  readonly range: RangeId
  /** What the page itself keeps there; no empty ones. */
  readonly params: Readonly<Record<string, string>>
}

/** `#/service/api?range=1h`; anything that is no place is the overview. */
export function placeOf(hash: string): Place {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?', 2)
  const [name = '', id = ''] = path.split('/', 2)
  const page = PAGES.find((each) => each === name) ?? 'overview'
  const params: Record<string, string> = {}
  for (const [key, value] of new URLSearchParams(query)) if (value !== '') params[key] = value
  const { range, ...rest } = params
  const needsId = page === 'service' || page === 'trace'
  const decoded = decode(id)
  return {
    page: needsId && decoded === '' ? 'overview' : page,
    id: needsId ? decoded : '',
    range: isRange(range) ? range : DEFAULT_RANGE,
    params: rest,
  }
}

export function hashOf({ page, id, range, params }: Place): string {
  const query = new URLSearchParams()
  for (const [key, value] of Object.entries(params)) if (value !== '') query.set(key, value)
  if (range !== DEFAULT_RANGE) query.set('range', range)
  const text = query.toString()
  const path = id === '' ? page : `${page}/${encodeURIComponent(id)}`
  return `#/${path}${text === '' ? '' : `?${text}`}`
}

/** Another page in the same range. */
export const to = (
  from: Pick<Place, 'range'>,
  page: PageName,
  id = '',
  params: Place['params'] = {},
): string => hashOf({ page, id, range: from.range, params })

/** The same page with other parameters; '' takes one away. */
export function withParams(place: Place, changed: Readonly<Record<string, string>>): Place {
  const params = Object.fromEntries(
    Object.entries({ ...place.params, ...changed }).filter(([, value]) => value !== ''),
  )
  return { ...place, params }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text // a stray % is part of a name
  }
}
