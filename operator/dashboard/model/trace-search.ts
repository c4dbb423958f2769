/** A search of traces: what stands in the address, and what is asked of the API. */

import type { Place } from './url-state.ts'

export interface TraceSearch {
  readonly service: string
  readonly operation: string
  /** `120ms`, `1.5s`, or a number of milliseconds; '' for none. */
  readonly min: string
  readonly max: string
  readonly tag: string
  readonly errors: boolean
}

export const searchOf = (params: Place['params']): TraceSearch => ({
  service: params['service'] ?? '',
  operation: params['operation'] ?? '',
  min: params['min'] ?? '',
  max: params['max'] ?? '',
  tag: params['tag'] ?? '',
  errors: params['errors'] === '1',
})

export const MOST_TRACES = 200

/** @param startMs epoch ms; rounded by whoever asks, so that the same search is the same question for a while */
export function searchPath(search: TraceSearch, startMs: number): string {
  const query = new URLSearchParams()
  const add = (name: string, value: string) => value !== '' && query.set(name, value)
  add('service', search.service)
  add('operation', search.operation)
  add('min_duration', String(millis(search.min) ?? ''))
  add('max_duration', String(millis(search.max) ?? ''))
  if (search.errors) query.set('error_only', 'true')
  for (const tag of tagsOf(search.tag)) query.append('tag', tag)
  query.set('start', String(startMs))
  query.set('limit', String(MOST_TRACES))
  return `traces?${query}`
}

/** What is wrong with what was typed, by field; empty when nothing is. */
export function searchFaults({ min, max, tag }: TraceSearch): Readonly<Record<string, string>> {
  const faults: Record<string, string> = {}
  const [least, most] = [millis(min), millis(max)]
  if (min !== '' && least === null) faults['min'] = 'a duration like 120ms or 1.5s'
  if (max !== '' && most === null) faults['max'] = 'a duration like 120ms or 1.5s'
  if (least !== null && most !== null && least > most) faults['max'] = 'less than the shortest'
  if (tagsOf(tag).some((each) => !/^[^:]+:/.test(each))) faults['tag'] = 'key:value, several apart by spaces'
  return faults
}

/** null for nothing, or for what is no duration. */
export function millis(text: string): number | null {
  const [, number, unit = 'ms'] = /^\s*(\d{1,9}(?:\.\d{1,6})?)\s*(us|µs|ms|s|m)?\s*$/.exec(text) ?? []
  if (number === undefined) return null
  return Math.round(Number(number) * UNITS[unit]! * 1000) / 1000
}

const UNITS: Readonly<Record<string, number>> = { us: 0.001, µs: 0.001, ms: 1, s: 1_000, m: 60_000 }

const tagsOf = (text: string): readonly string[] => text.split(/\s+/).filter((each) => each !== '')
