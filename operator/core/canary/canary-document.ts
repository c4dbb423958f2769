/** Canaries in KV: `mesh/canaries/<service>`, JSON, the last one of each service. docs/canary.md describes the document. */

import { z } from 'zod'
import type { KvRows } from '../settings-status.ts'
import type { Canary } from './canary.ts'

const PREFIX = 'mesh/canaries/'

export const canaryKey = (service: string): string => `${PREFIX}${service}`

const time = z.iso.datetime().transform((text) => Date.parse(text))
const index = z.int().nonnegative()
const reason = z.string()
const how = z.enum(['promoted', 'aborted', 'rolled_back'])
const since = { step: index, since: time }

const phase = z.discriminatedUnion('at', [
  z.object({ at: z.literal('running'), ...since, over: index }),
  z.object({ at: z.literal('paused'), ...since, reason }),
  z.object({ at: z.literal('ending'), ...since, how, over: index, reason }),
  z.object({ at: z.literal('ended'), ...since, how, reason }),
])

const DOCUMENT = z.object({
  id: z.string().min(1),
  to: z.string().min(1),
  steps: z.array(z.number().gt(0).max(100)).min(1),
  everyMs: z.number().positive(),
  maxErrorRate: z.number().min(0).max(100),
  maxP95Ms: z.number().positive().nullable(),
  minRequests: index,
  by: z.string(),
  started: time,
  before: z.array(z.looseObject({ Weight: z.number() })).nullable(),
  phase,
})

export interface ReadCanaries {
  /** By service. */
  readonly canaries: ReadonlyMap<string, Canary>
  /** Services whose document cannot be read: nobody acts on them. */
  readonly unreadable: ReadonlyMap<string, string>
}

export function canariesIn(rows: KvRows): ReadCanaries {
  const canaries = new Map<string, Canary>()
  const unreadable = new Map<string, string>()
  for (const [key, { text }] of rows) {
    if (!key.startsWith(PREFIX)) continue
    const service = key.slice(PREFIX.length)
    const read = DOCUMENT.safeParse(parsed(text))
    if (read.success) canaries.set(service, canaryOf(service, read.data))
    else unreadable.set(service, z.prettifyError(read.error).replaceAll('\n', ' '))
  }
  return { canaries, unreadable }
}

export function canaryText({ id, plan, by, startedMs, before, phase: now }: Canary): string {
  const { service: _service, ...limits } = plan
  const { sinceMs, ...rest } = now
  const started = iso(startedMs)
  return JSON.stringify({ id, ...limits, by, started, before, phase: { ...rest, since: iso(sinceMs) } })
}

function canaryOf(service: string, document: z.output<typeof DOCUMENT>): Canary {
  const { id, by, started, before, phase: read, ...limits } = document
  const { since: sinceMs, ...rest } = read
  return {
    id,
    plan: { service, ...limits },
    by,
    startedMs: started,
    before,
    phase: { ...rest, sinceMs } as Canary['phase'],
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text // refused by the shape, which says so
  }
}

const iso = (ms: number): string => new Date(ms).toISOString()
