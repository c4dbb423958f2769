import type { AdminProxy } from './admin-proxy.ts'

/** One outcome that the operator behind a proxy has taken. */
export interface ToldOutcome {
  readonly requestId: string
  readonly path: string
  /** When the operator had answered, ms of performance.now(). */
  readonly atMs: number
}

/** The outcomes that were told to the operator behind `proxy`, in order. */
export const toldOutcomes = ({ calls }: AdminProxy): ToldOutcome[] =>
  calls
    .filter(({ path }) => path === '/internal/outcomes')
    .flatMap(({ body, doneMs }) =>
      body
        .trimEnd()
        .split('\n')
        .map((line) => ({ ...(JSON.parse(line) as Omit<ToldOutcome, 'atMs'>), atMs: doneMs })),
    )
