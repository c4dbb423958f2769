import { isServerFailure } from '../../plugins/spans/failure.ts'
import type { ToldOutcome, ToldTry } from './told-outcome.ts'

/** Has the instance failed? Each try is a request of the instance; of the last one, gRPC says more than its status. */
export function isFailedTry({ instance, status }: ToldTry, outcome: ToldOutcome): boolean {
  if (typeof status !== 'number') return true
  return status >= 500 || (instance === outcome.instances.at(-1) && isServerFailure(outcome))
}
