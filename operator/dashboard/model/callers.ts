import type { IntentionRow } from './api-shapes.ts'
import type { Level } from './severity.ts'

export interface CallersInWords {
  readonly level: Level
  readonly text: string
  readonly note: string
}

const AT_GATEWAY = 'enforced at the gateway only'
const MOST_NAMES = 8

/** Whom a service lets in, and whether that is so. @param row undefined where everybody may call */
export function callersInWords(row: IntentionRow | undefined): CallersInWords {
  if (row === undefined || row.lets === 'all') return { level: 'idle', text: 'Everybody', note: '' }
  const names = row.callers.slice(0, MOST_NAMES).join(', ')
  const more = row.callers.length > MOST_NAMES ? ` and ${row.callers.length - MOST_NAMES} more` : ''
  const who = {
    only: row.callers.length === 0 ? 'Nobody' : `Only ${names}${more}`,
    except: `Everybody but ${names}${more}`,
    unknown: 'Not known',
  }[row.lets]
  if (!row.enforced) return { level: 'warn', text: `${who}: not enforced`, note: row.note }
  return { level: 'ok', text: who, note: row.note === '' ? AT_GATEWAY : row.note }
}
