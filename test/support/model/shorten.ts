import type { TestConsul } from '../consul.ts'
import type { Program } from './program.ts'
import { type RunResult, runProgram } from './run-program.ts'

export interface Failure {
  readonly program: Program
  readonly result: RunResult
}

/** Leaves steps off, by halves and then one by one, as long as the program still fails; stops when time is over. */
export async function shorten(consul: TestConsul, failure: Failure, limitMs: number): Promise<Failure> {
  const deadline = performance.now() + limitMs
  let shortest = failure
  let size = Math.ceil(failure.program.steps.length / 2)
  while (size >= 1) {
    let from = 0
    while (from < shortest.program.steps.length) {
      if (performance.now() > deadline) return shortest
      const steps = shortest.program.steps.toSpliced(from, size)
      const program = { ...shortest.program, steps }
      const result = await runProgram(consul, program)
      if (result.wrong.length > 0) shortest = { program, result }
      else from += size
    }
    size = size === 1 ? 0 : Math.ceil(size / 2)
  }
  return shortest
}
