/** Pages of rows: size, offset, tag filters, and the link to the next page. */

import { offsetInvalid, optionInvalid, sizeInvalid } from '../schema/kong-error.ts'
import type { Value } from '../schema/table.ts'
import { UUID } from '../schema/validators.ts'
import type { Collection, Row, Store } from '../store.ts'
import { refuse } from './answer.ts'
import { type AdminRequest, escapeArgument } from './request.ts'

const DEFAULT_SIZE = 100
const MAX_SIZE = 1000

export interface Page<T> {
  readonly rows: readonly T[]
  readonly offset?: string
}

export interface TagFilter {
  readonly tags: readonly string[]
  readonly isAny: boolean
}

export interface ListArguments {
  readonly size: number
  readonly filter: TagFilter | undefined
  /** The page starts after this id; '' for the first page. */
  readonly after: string
}

/** What a list was asked for. Refuses in Kong's order: no tags, the size, what the tags are, the offset. */
export function listArguments(request: AdminRequest): ListArguments {
  refuseEmptyTags(request)
  return { size: sizeOfPage(request), filter: tagFilter(request), after: offsetId(request) }
}

export function sizeOfPage(request: AdminRequest): number {
  const size = sizeArgument(request) ?? DEFAULT_SIZE
  if (Number.isInteger(size) && size >= 1 && size <= MAX_SIZE) return size
  return refuse(sizeInvalid(`size must be an integer between 1 and ${MAX_SIZE}`))
}

/** The same for lists that count positions and take any size. */
export function positionArguments(request: AdminRequest): { readonly size: number; readonly start: number } {
  refuseEmptyTags(request)
  const size = Math.min(sizeArgument(request) ?? DEFAULT_SIZE, MAX_SIZE)
  tagFilter(request)
  const offset = request.query['offset']
  const start = offset === undefined ? 0 : Number(offset)
  return Number.isNaN(start) ? refuse(offsetInvalid(String(offset), 'not a number')) : { size, start }
}

function sizeArgument(request: AdminRequest): number | undefined {
  const text = request.query['size']
  if (text === undefined) return undefined
  const size = typeof text === 'string' && text.trim() !== '' ? Number(text) : Number.NaN
  return Number.isNaN(size) ? refuse(sizeInvalid('size must be a number')) : size
}

const tagsText = (request: AdminRequest): Value | undefined => {
  const argument = request.query['tags']
  return Array.isArray(argument) ? (argument[0] ?? null) : argument
}

function refuseEmptyTags(request: AdminRequest): void {
  const text = tagsText(request)
  if (text === '' || text === null) refuse(optionInvalid('tags', 'cannot be null'))
}

/** The filter of `?tags=`; `a,b` for rows with both, `a/b` for rows with either. */
function tagFilter(request: AdminRequest): TagFilter | undefined {
  const text = tagsText(request)
  if (text === undefined) return undefined
  if (typeof text !== 'string') return refuse(optionInvalid('tags', 'invalid filter syntax'))
  const isAll = /^(?:[ -+\-.0-~\u0080-\u{10ffff}]+(?:,|$))+$/u.test(text)
  const isAny = !isAll && /^(?:[ -+\-.0-~\u0080-\u{10ffff}]+(?:\/|$))+$/u.test(text)
  if (!isAll && !isAny) return refuse(optionInvalid('tags', 'invalid filter syntax'))
  const tags = text.split(isAny ? '/' : ',')
  if (tags.length > 5) return refuse(optionInvalid('tags', 'cannot query more than 5 tags'))
  return { tags, isAny }
}

/** The id that an offset stands for; '' for the first page. Kong's database fails on an id that is no UUID. */
function offsetId(request: AdminRequest): string {
  if (request.query['offset'] === undefined) return ''
  const [id] = offsetValues(request)
  if (id === undefined || id === null) return AFTER_ALL
  if (typeof id === 'string' && UUID.test(id)) return id
  return refuse(offsetInvalid(String(request.query['offset']), 'not a primary key'))
}

/** Greater than any id: nothing comes after an offset that names none. */
const AFTER_ALL = '~'

/** Kong's offsets are the last primary key, as a JSON list in base64. */
export function offsetValues(request: AdminRequest): readonly Value[] {
  const offset = request.query['offset']
  if (offset === undefined) return []
  const text = String(offset)
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text) || text.replace(/=+$/, '').length % 4 === 1) {
    return refuse(offsetInvalid(text, 'bad base64 encoding'))
  }
  try {
    const decoded = JSON.parse(Buffer.from(text, 'base64').toString('utf8')) as Value
    return Array.isArray(decoded) ? decoded : []
  } catch {
    return refuse(offsetInvalid(text, 'bad json encoding'))
  }
}

export const encodeOffset = (values: readonly Value[]): string =>
  Buffer.from(JSON.stringify(values)).toString('base64').replace(/=+$/, '')

/** Takes a page of rows that come in the order of their ids. */
export function takePage(rows: Iterable<Row>, size: number): Page<Row> {
  const taken: Row[] = []
  for (const row of rows) {
    if (taken.length === size) return { rows: taken, offset: encodeOffset([(taken.at(-1) as Row).id]) }
    taken.push(row)
  }
  return { rows: taken }
}

/** Rows by id that pass the filter. With one tag, or all of several, only rows of the first tag are looked at. */
export function* filteredRows(
  store: Store,
  collection: Collection,
  filter: TagFilter | undefined,
  after: string,
): Iterable<Row> {
  if (!filter) yield* store.all(collection, after)
  else if (!filter.isAny) {
    const [first = '', ...others] = filter.tags
    for (const row of store.tagged(collection, first, after)) {
      if (others.every((tag) => row.tags?.includes(tag))) yield row
    }
  } else {
    const found = new Map<string, Row>()
    for (const tag of filter.tags)
      for (const row of store.tagged(collection, tag, after)) found.set(row.id, row)
    yield* [...found.values()].sort((a, b) => (a.id < b.id ? -1 : 1))
  }
}

/** The body of a list. `path` is that of the list; `again` further arguments of the next page. */
export function pageBody(page: Page<unknown>, path: string, again = ''): object {
  if (page.offset === undefined) return { data: page.rows, next: null }
  return {
    data: page.rows,
    offset: page.offset,
    next: `${path}?offset=${escapeArgument(page.offset)}${again}`,
  }
}

/** Tags and size, as the link to the next page of a whole collection repeats them. */
export function repeatedArguments(request: AdminRequest): string {
  const { tags, size } = request.query
  const text = Array.isArray(tags) ? tags[0] : tags
  const filter = tags === undefined ? '' : `&tags=${escapeArgument(String(text))}`
  return `${filter}${size === undefined ? '' : `&size=${String(size)}`}`
}
