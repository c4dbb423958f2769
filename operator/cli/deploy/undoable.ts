import { CliError, explain } from '../cli-error.ts'
import { whatToDo } from '../what-to-do.ts'

/**
 * Does something of which it is not known, when it fails, whether it was done: until it has succeeded `left` says that
 * it was begun.
 */
export async function noted<T>(
  left: string[],
  { begun, done }: { readonly begun: string; readonly done: string },
  work: () => Promise<T>,
): Promise<T> {
  const at = left.push(begun) - 1
  const result = await work()
  left[at] = done
  return result
}

/**
 * An error with what was done before it, and how to go on or back.
 * @param what `deploying mesh.yaml`
 * @param left what was done and stays so; nothing is to be undone when there is none
 * @param undo the command that takes it back
 */
export function undoable(
  error: unknown,
  { what, left, undo }: { what: string; left: readonly string[]; undo: string },
): CliError {
  const isTold = error instanceof CliError
  const remedy = (isTold ? error.remedy : whatToDo(error)) ?? 'mend what it says'
  const back =
    left.length === 0 ? 'nothing was changed' : `run it again, it goes on from here; to undo: ${undo}`
  return new CliError(
    isTold ? error.code : ((error as { code?: string }).code ?? 'DEPLOY_FAILED'),
    {
      tried: isTold ? `${what}: ${error.tried}` : what,
      answer: isTold ? error.answer : explain(error),
      remedy: `${remedy}; ${back}`,
      left,
    },
    { cause: error },
  )
}
