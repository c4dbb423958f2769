import type { Circuits } from '../../mesh-circuit-breaker/circuits.ts'
import type { Outcome } from '../../outcomes/outcome.ts'
import { createLineParser } from '../../outcomes/parse-line.ts'
import { NO_NAMES } from '../../spans/mesh-names.ts'
import { isRecorded, spansOf } from '../../spans/spans-of.ts'
import { sampleLine } from './sample.ts'

/** Reads `lines` lines of an access log, reports them to `circuits`, and makes spans of them. */
export function warmOutcomes(circuits: Circuits, lines: number): void {
  const { token, datagram } = sampleLine(Date.now())
  const parse = createLineParser(token)
  for (let i = 0; i < lines; i++) {
    const outcome = parse(datagram)
    if (typeof outcome === 'string') throw new Error(`the sample line is ${outcome}`)
    use(circuits, outcome)
  }
}

function use(circuits: Circuits, outcome: Outcome): void {
  circuits.report(outcome)
  if (isRecorded(outcome)) spansOf(outcome, NO_NAMES)
}
