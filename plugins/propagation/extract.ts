import { extractAws } from './formats/aws.ts'
import { extractB3 } from './formats/b3.ts'
import { extractB3Single } from './formats/b3-single.ts'
import { extractDatadog } from './formats/datadog.ts'
import { extractGcp } from './formats/gcp.ts'
import { extractJaeger } from './formats/jaeger.ts'
import { extractMesh } from './formats/mesh.ts'
import { extractOt } from './formats/ot.ts'
import { extractW3c } from './formats/w3c.ts'
import type { Format, PropagationConfig } from './propagation-config.ts'
import type { RequestHeaders } from './request-headers.ts'
import type { TraceContext } from './trace-context.ts'

/**
 * The trace that a request belongs to: of the first format in `extract` that holds a trace id. Broken ids and decisions
 * without ids do not hide a trace in a later format, as they do in Kong 3.9. Where there is none, the first decision
 * counts for the trace that begins here. Null when nothing came in. Never throws.
 */
export function extract(
  headers: RequestHeaders,
  { extract: formats }: Pick<PropagationConfig, 'extract'>,
): TraceContext | null {
  let second: TraceContext | null = null
  for (const format of formats) {
    const context = EXTRACTORS[format]?.(headers) ?? null
    if (context === null) continue
    if (context.traceId !== null) return context
    if (second === null || (second.sampled === null && context.sampled !== null)) second = context
  }
  return second
}

const EXTRACTORS: Readonly<Record<Format, (headers: RequestHeaders) => TraceContext | null>> = {
  w3c: extractW3c,
  b3: extractB3,
  'b3-single': extractB3Single,
  jaeger: extractJaeger,
  ot: extractOt,
  datadog: extractDatadog,
  aws: extractAws,
  gcp: extractGcp,
  mesh: extractMesh,
}
