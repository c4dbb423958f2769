// mesh-tracing: reads the trace context of a request, decides on sampling, and writes the context that the upstream
// gets. First of all plugins, because balancing by `traceparent` and everybody's logs need it.
import { feedToken } from '../outcomes/feed-token.ts'
import {
  createMeshHeaderCodec,
  type MeshHeaderCodec,
  type MeshHeaderWriter,
  ROUTE_HEADER,
  SPAN_HEADER,
} from '../outcomes/mesh-headers.ts'
import type { CurrentSpan } from '../propagation/current-span.ts'
import type { Traceparent } from '../propagation/formats/traceparent.ts'
import { inOneCall } from '../propagation/header-changes.ts'
import { createRandomSource } from '../propagation/ids.ts'
import type { RandomSource } from '../propagation/outgoing.ts'
import { propagate } from '../propagation/propagate.ts'
import { MAX_HEADERS } from '../propagation/request-headers.ts'
import { definePlugin } from '../server/form/define-plugin.ts'
import { ChannelPdk, type HeaderMap } from '../server/form/pdk-calls.ts'
import type { PluginModule } from '../server/form/plugin-module.ts'
import { readTracingConfig, type TracingConfig } from './config.ts'
import { identityHeaders } from './identity-headers.ts'
import { schema } from './schema.ts'
import { TraceBudget, tracesPerSecond } from './trace-budget.ts'

export interface TracingParts {
  readonly random: RandomSource
  readonly meshHeaders: MeshHeaderCodec
  readonly budget: TraceBudget
  /** Monotonic. */
  readonly nowMs: () => number
}

/** What is known of an instance before its first request. */
interface Configured {
  readonly tracing: TracingConfig
  /** Its id; none has an empty one. */
  readonly service: string
  readonly meshHeadersOf: MeshHeaderWriter | (() => typeof NOBODYS)
}

/**
 * The plugin over its randomness, the seal of the mesh's headers and what may be recorded. One getHeaders and one setHeaders a request: each
 * is a round trip of 45 us in Kong.
 */
export function tracingPlugin({ random, meshHeaders, budget, nowMs }: TracingParts): Required<PluginModule> {
  const changesFor = (incoming: HeaderMap, { tracing, service, meshHeadersOf }: Configured) => {
    const { span, headers } = propagate(incoming, tracing, random, () => budget.take(service, nowMs()))
    const isNamed = headers.set['traceparent'] !== undefined // by a header that the access log has
    const ours = meshHeadersOf(span.parentSpanId, isNamed ? undefined : traceparentOf(span))
    const changes = inOneCall(headers)
    changes[ROUTE_HEADER] = ours[ROUTE_HEADER]
    changes[SPAN_HEADER] = ours[SPAN_HEADER]
    for (const name of identityHeaders(incoming)) changes[name] = NOTHING
    return changes
  }
  return definePlugin<Configured>({
    name: 'mesh-tracing',
    version: '0.1.0',
    priority: 100_000,
    schema,
    configure: (raw, { serviceId, routeId }) => ({
      tracing: readTracingConfig(raw),
      service: serviceId ?? '',
      meshHeadersOf: serviceId === null ? () => NOBODYS : meshHeaders.writerFor({ serviceId, routeId }),
    }),
    handlers: {
      access(kong, config) {
        if (kong instanceof ChannelPdk) {
          return kong.ask(GET_HEADERS, AS_MANY_AS_THERE_ARE, (incoming) =>
            kong.ask(SET_HEADERS, [changesFor(incoming as HeaderMap, config)], isDone),
          )
        }
        return kong.request
          .getHeaders(MAX_HEADERS)
          .then((incoming) => kong.service.request.setHeaders(changesFor(incoming, config)))
      },
    },
  })
}

const traceparentOf = ({ traceId, spanId, sampled }: CurrentSpan): Traceparent => ({
  traceId,
  parentId: spanId,
  sampled,
  isRandom: false,
})

const GET_HEADERS = 'kong.request.get_headers'
const AS_MANY_AS_THERE_ARE = [MAX_HEADERS] as const
const SET_HEADERS = 'kong.service.request.set_headers'
const isDone = (): void => {}

const NOTHING: readonly string[] = []

/** Off go what a client sent under the names of the mesh. An empty list removes a header (see inOneCall). */
const NOBODYS = { [ROUTE_HEADER]: [], [SPAN_HEADER]: [] } as const

/** Of this process. */
export const traceBudget = new TraceBudget(tracesPerSecond(process.env['KONGSUL_PLUGINS_TRACES_PER_SECOND']))

export const { Plugin, Name, Version, Priority, Schema, Handlers } = tracingPlugin({
  random: createRandomSource(),
  budget: traceBudget,
  nowMs: () => performance.now(),
  meshHeaders: createMeshHeaderCodec(feedToken(process.env['KONGSUL_FEED_LINE_TOKEN'])),
})
