/** Keys below `mesh/` in KV that nothing reads: most often a misspelt one, whose document would be ignored in silence. */
import { closestName } from './closest-name.ts'
import type { Problem } from './problem.ts'

/** Where documents go: a key of its own, or one for each name. */
const PLACES = ['defaults', 'services/', 'external/', 'certificates/', 'authorities/']

/**
 * @param keys of documents, without those that kongsul itself writes
 * @returns a warning for each that fits nothing, with what was probably meant
 */
export function unknownKeys(keys: Iterable<string>): readonly Problem[] {
  return [...keys].filter((key) => !isRead(key)).map(unknown)
}

const isRead = (key: string): boolean =>
  PLACES.some((place) => {
    const path = key.slice('mesh/'.length)
    return place.endsWith('/') ? path.startsWith(place) && path !== place : path === place
  })

function unknown(key: string): Problem {
  const [, first = '', ...name] = key.split('/')
  const place = closestName(
    first,
    PLACES.map((each) => each.replace('/', '')),
  )
  const meant = place === null ? null : ['mesh', place, ...(place === 'defaults' ? [] : name)].join('/')
  const fix =
    meant === null || meant === key
      ? `documents are at ${PLACES.map(shown).join(', ')}`
      : `did you mean ${meant}?`
  return { code: 'KEY_UNKNOWN', severity: 'warning', service: '', message: `KV ${key} is not read; ${fix}` }
}

const shown = (place: string): string => `mesh/${place}${place.endsWith('/') ? '<name>' : ''}`
