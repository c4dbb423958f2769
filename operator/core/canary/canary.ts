/** A canary: a service-splitter that is moved to one subset step by step, while what becomes of its requests is good. */

import type { Split } from './split-shares.ts'

export interface CanaryPlan {
  /** Consul service whose splitter is moved. */
  readonly service: string
  /** Subset of it that is to get the requests. */
  readonly to: string
  /** Percent of the requests, rising; the last one is 100. */
  readonly steps: readonly number[]
  /** How long each step lasts at least. */
  readonly everyMs: number
  /** Percent of the requests of a step that may fail. */
  readonly maxErrorRate: number
  /** null: however slow. */
  readonly maxP95Ms: number | null
  /** A step is not judged by fewer. */
  readonly minRequests: number
}

/** `rolled_back`: by itself. */
export type Ending = 'promoted' | 'aborted' | 'rolled_back'

export type Phase =
  | {
      readonly at: 'running'
      /** Index into the steps. */
      readonly step: number
      readonly sinceMs: number
      /** ModifyIndex of the splitter that the step's weights go over: while it has that one they are not written. */
      readonly over: number
    }
  /** Somebody changed the splitter: it is theirs until it is as it was, or somebody ends the canary. */
  | { readonly at: 'paused'; readonly step: number; readonly sinceMs: number; readonly reason: string }
  | {
      readonly at: 'ending'
      readonly how: Ending
      readonly step: number
      readonly sinceMs: number
      readonly over: number
      readonly reason: string
    }
  | {
      readonly at: 'ended'
      readonly how: Ending
      readonly step: number
      readonly sinceMs: number
      readonly reason: string
    }

export interface Canary {
  /** Unique: another canary of the same service is another one. */
  readonly id: string
  readonly plan: CanaryPlan
  readonly by: string
  readonly startedMs: number
  /** The splits from before, as Consul returned them; null: there was no splitter, and none shall be left by going back. */
  readonly before: readonly Split[] | null
  readonly phase: Phase
}

export const isActive = ({ phase }: Canary): boolean => phase.at !== 'ended'

/** Percent that the subset has in a step. */
export const weightOf = ({ plan, phase }: Canary): number => plan.steps[phase.step] ?? 100

/** Steps that rise to 100: what is promoted was judged with all of the requests. */
export const withLastStep = (steps: readonly number[]): readonly number[] =>
  steps.at(-1) === 100 ? steps : [...steps, 100]
