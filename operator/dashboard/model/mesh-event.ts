/** An event of the stream in one line for people. */

import { decisionText, stateWord } from './canary-text.ts'
import { plural } from './format.ts'
import { type Level, levelOfCanary, levelOfState } from './severity.ts'

export interface EventLine {
  readonly id: string
  readonly atMs: number
  readonly level: Level
  readonly kind: string
  readonly service: string | null
  readonly text: string
}

type Data = Readonly<Record<string, unknown>>

/** null for one that this page does not know. @param atMs when it arrived */
export function eventLine(id: string, kind: string, json: string, atMs: number): EventLine | null {
  const data = parsed(json)
  if (data === null) return null
  const told = LINES[kind]?.(data)
  return told === undefined ? null : { id, atMs, kind, ...told }
}

type Told = Pick<EventLine, 'level' | 'service' | 'text'>

const LINES: Readonly<Record<string, (data: Data) => Told>> = {
  reconcile: (data) => {
    const many = Array.isArray(data['diff']) ? data['diff'].length : 0
    const isFailed = data['result'] === 'failed'
    const reason = text(data['reason'])
    return {
      level: isFailed ? 'bad' : 'ok',
      service: text(data['service']) || null,
      text: isFailed ? `not applied: ${text(data['error'])}` : `${plural(many, 'change')} in Kong: ${reason}`,
    }
  },
  health: (data) => {
    const to = text(data['to'])
    const from = text(data['from'])
    const id = text(data['instance_id'])
    return {
      level: to === 'gone' ? 'idle' : levelOfState(to),
      service: text(data['service_name']) || null,
      text: to === 'gone' ? `${id} left` : from === '' ? `${id} came, ${to}` : `${id} ${from} → ${to}`,
    }
  },
  breaker: (data) => {
    const to = text(data['to'])
    const who = data['kind'] === 'instance' ? text(data['instance_id']) || 'an instance' : 'circuit'
    const reason = text(data['reason'])
    return {
      level: levelOfState(to),
      service: text(data['service_name']) || null,
      text: `${who} ${text(data['from'])} → ${to.replace('_', ' ')}${reason === '' ? '' : `: ${reason}`}`,
    }
  },
  canary: (data) => {
    const state = text(data['state'])
    const decision = decisionText({ state, decision: text(data['decision']) })
    return {
      level: levelOfCanary(state),
      service: text(data['service']) || null,
      text: `canary to ${text(data['to'])} ${Number(data['weight'])} %, ${stateWord(state)}${decision === '' ? '' : `: ${decision}`}`,
    }
  },
  override: (data) => ({
    level: data['what'] === 'released' ? 'ok' : 'warn',
    service: text(data['service']) || null,
    text: `${text(data['field'])} of ${text(data['kind'])} ${text(data['name'])} ${data['what'] === 'released' ? 'given back to Consul' : 'edited in Kong'}`,
  }),
  alert: (data) => {
    const isOver = data['what'] === 'cleared' || data['state'] === 'resolved' || data['what'] === 'resolved'
    return {
      level: isOver ? 'ok' : levelOfState(text(data['severity'])),
      service: text(data['service_name']) || text(data['service']) || null,
      text: `${isOver ? 'over: ' : ''}${text(data['message'])}`,
    }
  },
}

/** The newest first, no more than `most`, none twice. */
export function addEvents(
  before: readonly EventLine[],
  fresh: readonly EventLine[],
  most: number,
): readonly EventLine[] {
  const known = new Set(before.map(({ id }) => id))
  const added = fresh.filter(({ id }) => !known.has(id)).reverse()
  return added.length === 0 ? before : [...added, ...before].slice(0, most)
}

function parsed(json: string): Data | null {
  try {
    const data: unknown = JSON.parse(json)
    return typeof data === 'object' && data !== null ? (data as Data) : null
  } catch {
    return null // half an event of a connection that broke
  }
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '')
