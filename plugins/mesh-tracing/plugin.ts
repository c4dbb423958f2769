// mesh-tracing: reads the trace context of a request, decides on sampling, and writes the context that the upstream
// gets. First of all plugins, because balancing by `traceparent` and everybody's logs need it.
import { definePlugin } from '../server/form/define-plugin.ts'
import type { HeaderMap } from '../server/form/pdk-calls.ts'
import type { PluginModule } from '../server/form/plugin-module.ts'
import { readTracingConfig, type TracingConfig } from './config.ts'
import { schema } from './schema.ts'

/** From the headers that came to those to set on the way to the upstream. */
export type Propagate = (incoming: HeaderMap, config: TracingConfig) => HeaderMap

/** Names service and route in the access log; what a client sent under this name is overwritten. */
export const ROUTE_HEADER = 'X-Mesh-Route'

/** The plugin over a propagator. One getHeaders and one setHeaders a request: each is a round trip of 45 us in Kong. */
export function tracingPlugin(propagate: Propagate): Required<PluginModule> {
  return definePlugin<TracingConfig>({
    name: 'mesh-tracing',
    version: '0.1.0',
    priority: 100_000,
    schema,
    configure: readTracingConfig,
    handlers: {
      async access(kong, config, { serviceId, routeId }) {
        const outgoing = propagate(await kong.request.getHeaders(), config)
        await kong.service.request.setHeaders({
          ...outgoing,
          [ROUTE_HEADER]: `${serviceId ?? ''}/${routeId ?? ''}`,
        })
      },
    },
  })
}

export const { Plugin, Name, Version, Priority, Schema, Handlers } = tracingPlugin(() => ({}))
