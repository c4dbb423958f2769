import type { Records } from './records.ts'
import type { Transition } from './transition.ts'

/** What circuits of one process share. */
export interface Surroundings {
  /** In [0, 1). */
  random(): number
  emit(transition: Transition): void
  /** An instance shall get requests again, or none. Called when that changes, also when panic overrules a verdict. */
  rotate(upstream: string, instance: string, isIn: boolean): void
  /** An instance that is out gets requests, or may get some: whoever was told may have forgotten. */
  stray(upstream: string, instance: string): void
  /** A number no circuit had before. */
  nextGeneration(): number
  readonly records: Records
}
