import { NONE, percent } from '../model/format.ts'
import { levelOfErrors } from '../model/severity.ts'

/** Which part of requests fails, in the colour of how bad that is; nothing where nobody called. */
export function FailingCell({
  errors,
  isCalled = true,
}: {
  /** Percent. */
  readonly errors: number | null | undefined
  readonly isCalled?: boolean
}) {
  const level = isCalled ? levelOfErrors(errors ?? 0) : 'ok'
  return <td class={level === 'ok' ? 'num' : `num is-${level}`}>{isCalled ? percent(errors) : NONE}</td>
}
