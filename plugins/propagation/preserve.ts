import type { CurrentSpan } from './current-span.ts'
import { meshCameIn } from './formats/mesh.ts'
import { readTraceparent } from './formats/w3c.ts'
import type { Format, PropagationConfig } from './propagation-config.ts'
import { cameIn, type RequestHeaders } from './request-headers.ts'

/**
 * What `preserve` stands for in one request: the format that came in, or the default one. Beside it those formats of
 * `extract` whose headers came too and would otherwise go on with the caller's span in place of ours. One that names
 * another trace is left as it came, as in Kong, and so is one that `clear` takes off.
 */
export function preservedFormats(
  headers: RequestHeaders,
  { traceId, context }: Pick<CurrentSpan, 'traceId' | 'context'>,
  { extract, clear, defaultFormat }: PropagationConfig,
): readonly Format[] {
  const main = context?.format ?? defaultFormat
  const others: Format[] = []
  if (main === 'b3-single' && cameIn(headers, 'x-b3-traceid') && extract.includes('b3')) {
    if (stays(clear, 'x-b3-traceid')) others.push('b3')
  }
  // Services of today understand W3C, so the old family never goes alone.
  const needsW3c = main === 'mesh' || (main !== 'w3c' && isOurs(headers, traceId) && extract.includes('w3c'))
  if (needsW3c && stays(clear, 'traceparent')) others.push('w3c')
  const needsMesh = main !== 'mesh' && meshCameIn(headers) && extract.includes('mesh')
  if (needsMesh && stays(clear, 'x-trace-id')) others.push('mesh')
  return [main, ...others]
}

const stays = (clear: readonly string[], name: string): boolean =>
  !clear.some((cleared) => cleared.toLowerCase() === name)

/** Whether a traceparent came that is of this trace, or is broken and would be passed on so. */
function isOurs(headers: RequestHeaders, traceId: string): boolean {
  if (!cameIn(headers, 'traceparent')) return false
  const parsed = readTraceparent(headers)
  return parsed === null || parsed.traceId === traceId
}
