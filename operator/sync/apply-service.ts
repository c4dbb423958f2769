import { type Change, type Diff, type DiffOptions, diff } from '../core/diff.ts'
import { type Entity, keyOf } from '../core/entity.ts'
import type { Executed } from '../kong/execute.ts'
import { KongError } from '../kong/kong-error.ts'
import type { KongWriter } from '../kong/kong-writer.ts'
import { wantedState } from './desired-index.ts'
import type { KongMirror } from './kong-mirror.ts'
import type { Outcome } from './outcome.ts'

export interface ApplyContext {
  readonly kong: Pick<KongWriter, 'steps' | 'execute'>
  readonly mirror: KongMirror
  readonly options: DiffOptions
  readonly dryRun: boolean
  readonly isPaused: () => boolean
  /** What the service wants now. */
  readonly wanted: () => readonly Entity[]
  readonly isHeld: (change: Change) => boolean
  /** The service that has to give something up first. */
  readonly blocker: (changes: readonly Change[]) => string | null
  /** Why nothing may be written now; null when it may. */
  readonly refusal: () => string | null
  readonly isStale: () => boolean
  readonly onDiff: (result: Diff) => void
  readonly onWritten: (change: Change) => void
}

/** Kong may differ from the mirror: each round looks again at what it found. More than this is a war. */
const MOST_ROUNDS = 6

/**
 * Makes Kong equal to what one service wants, step by step; every step leaves Kong serving. Stops between two
 * steps when the wish changes, and decides anew.
 */
export async function applyService(service: string, context: ApplyContext): Promise<Outcome> {
  const applied: Change[] = []
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const changes = changesOf(service, context)
    if (changes.length === 0) {
      return applied.length === 0 ? { kind: 'inSync' } : { kind: 'applied', changes: applied }
    }
    if (context.dryRun) return { kind: 'dryRun', changes }
    if (context.isPaused()) {
      return applied.length === 0 ? { kind: 'paused', changes } : { kind: 'applied', changes: applied }
    }
    const on = context.blocker(changes)
    if (on !== null) return { kind: 'blocked', on }
    const failure = await applySteps(context, context.kong.steps(changes), applied)
    if (failure !== null) return failure
    if (context.isStale()) return { kind: 'applied', changes: applied }
  }
  const error = new Error(`Kong still differs from what ${service} wants after ${MOST_ROUNDS} tries`)
  return { kind: 'failed', error, changes: applied }
}

function changesOf(service: string, context: ApplyContext): readonly Change[] {
  const wanted = context.wanted()
  const result = diff(context.mirror.part(service, wanted), wantedState(wanted), context.options)
  context.onDiff(result)
  // The part has neighbours in it that decide about conflicts; changing them is their own services' business.
  return result.changes.filter((change) => change.service === service && !context.isHeld(change))
}

/** @returns null when the steps ran, or were left off because the wish changed. */
async function applySteps(
  context: ApplyContext,
  steps: readonly (readonly Change[])[],
  applied: Change[],
): Promise<Outcome | null> {
  for (const step of steps) {
    if (context.isStale() && applied.length > 0) return null
    if (context.isPaused()) return null
    const reason = context.refusal()
    if (reason !== null) return { kind: 'refused', reason }
    const results = await Promise.allSettled(step.map((change) => applyChange(context, change)))
    let isAsExpected = true
    let failure: Error | null = null
    results.forEach((result, at) => {
      if (result.status === 'rejected') failure ??= result.reason as Error
      else {
        if (result.value.wrote) applied.push(step[at]!)
        if ((step[at]!.action === 'delete') !== (result.value.after === null)) isAsExpected = false
      }
    })
    if (failure !== null) return failedOutcome(failure, applied)
    if (!isAsExpected) return null
  }
  return null
}

function failedOutcome(error: Error, changes: readonly Change[]): Outcome {
  const isHeldBack = error instanceof KongError && error.code === 'NOT_LEADER'
  return isHeldBack ? { kind: 'refused', reason: error.message } : { kind: 'failed', error, changes }
}

async function applyChange(context: ApplyContext, change: Change): Promise<Executed> {
  const { kong, mirror, options } = context
  const key = keyOf(change.entity)
  const wanted = change.action === 'delete' ? null : context.wanted().find((entity) => keyOf(entity) === key)
  // The wish changed while the step ran: the next round sees it.
  if (wanted === undefined) return { after: change.before, wrote: false }
  try {
    const executed = await kong.execute(change, wanted, options)
    if (executed.isOutdated === true) return executed
    if (executed.after === null && change.action === 'update') mirror.lose(key)
    else if (executed.after === null) mirror.delete(key)
    else {
      if (change.action === 'create' && executed.wrote) mirror.dropChildren(executed.after)
      mirror.set(executed.after)
    }
    if (executed.rival !== undefined) mirror.set(executed.rival)
    for (const user of executed.users ?? []) mirror.set(user)
    if (executed.wrote) context.onWritten(change)
    return executed
  } catch (error) {
    if (error instanceof KongError && error.code === 'KONG_NOT_FOUND' && change.action === 'update') {
      mirror.delete(key)
    }
    throw error
  }
}
