// Hands spans on to another collector as they came: bodies of one encoding join into one, and nothing is lost that we
// do not keep ourselves.
import type { Encoded } from '../../plugins/export/encoded.ts'
import { OtlpExporter } from '../../plugins/export/otlp-exporter.ts'
import type { TlsConfig } from '../secrets/tls-options.ts'
import type { Logger } from '../telemetry/logger.ts'
import { revealed, type Secret } from '../telemetry/secret.ts'
import { CONTENT_TYPES } from './otlp/answers.ts'
import type { TakenBody } from './trace-collector.ts'

/** In requests of ours: whoever gets one does not hand it on, so that two operators never send one around for ever. */
export const HANDED_ON = 'x-kongsul-handed-on'

/** Bytes that wait; beyond them bodies are dropped, and counted. */
const MOST_WAITING_BYTES = 32 * 1024 * 1024
/** Joined into one request. */
const MOST_BATCH_BYTES = 1024 * 1024

export interface HandOnOptions {
  /** Of traces, see tracesUrl. */
  readonly url: string
  /** Asked before each request. */
  readonly authorization?: Secret | string | undefined
  readonly tls?: TlsConfig | undefined
  readonly log: Logger
  readonly maxTries?: number
}

/** @throws TypeError when the URL is none */
export const createHandOn = ({
  url,
  authorization,
  tls,
  log,
  ...rest
}: HandOnOptions): OtlpExporter<TakenBody> =>
  new OtlpExporter<TakenBody>({
    ...rest,
    name: new URL(url).host,
    url,
    headers: () => {
      const shown = revealed(authorization)
      return { ...(shown === undefined ? {} : { authorization: shown }), [HANDED_ON]: '1' }
    },
    tls: { tls, prefix: 'traces.export' },
    log,
    encode: joined,
    spansIn: ({ spans }) => spans,
    weigh: ({ bytes }) => bytes.length,
    maxQueuedSpans: MOST_WAITING_BYTES,
    maxBatchSpans: MOST_BATCH_BYTES,
  })

/** One request for each encoding that is in the batch. */
export function joined(batch: readonly TakenBody[]): readonly Encoded[] {
  return (['protobuf', 'json'] as const).flatMap((encoding) => {
    const bodies = batch.filter((each) => each.encoding === encoding)
    if (bodies.length === 0) return []
    const spans = bodies.reduce((sum, each) => sum + each.spans, 0)
    const bytes = bodies.map((each) => each.bytes)
    return [
      {
        // Protobuf messages one after the other are one message with the lists of all.
        body: encoding === 'protobuf' ? Buffer.concat(bytes) : joinedJson(bytes),
        contentType: CONTENT_TYPES[encoding],
        spans,
      },
    ]
  })
}

function joinedJson(bodies: readonly Buffer[]): Buffer | string {
  if (bodies.length === 1) return bodies[0]!
  const lists = bodies.flatMap((bytes) => {
    // It was read before: only what was a request comes here.
    const { resourceSpans, resource_spans } = JSON.parse(bytes.toString()) as Record<string, unknown[] | null>
    return resourceSpans ?? resource_spans ?? []
  })
  return JSON.stringify({ resourceSpans: lists })
}
