import { extract } from '../../plugins/propagation/extract.ts'
import { outgoing, type RandomSource } from '../../plugins/propagation/outgoing.ts'
import { PROPAGATION_DEFAULTS, type PropagationConfig } from '../../plugins/propagation/propagation-config.ts'
import type { RequestHeaders } from '../../plugins/propagation/request-headers.ts'

export const NEW_TRACE = '11111111111111112222222222222222'
export const NEW_SPAN = '3333333333333333'

/** Always the same new ids; the dice show `unit`. */
export const fixedRandom = (unit = 0): RandomSource => ({
  traceId: () => NEW_TRACE,
  spanId: () => NEW_SPAN,
  unit: () => unit,
})

/** A request through the propagation with new ids that are known: what was read, and all headers that go on. */
export function propagated(
  headers: RequestHeaders,
  config: Partial<PropagationConfig> = {},
  random: RandomSource = fixedRandom(),
) {
  const whole = { ...PROPAGATION_DEFAULTS, ...config }
  const context = extract(headers, whole)
  const { span, headers: changes } = outgoing(headers, context, whole, random)
  const sent: Record<string, string | readonly string[] | undefined> = { ...headers }
  for (const name of changes.remove) delete sent[name]
  return { context, span, changes, sent: { ...sent, ...changes.set } }
}
