// mesh-circuit-breaker: lets a request through or refuses it. After authentication and limits, whose refusals must
// take no permit. A request that passes costs no PDK call.
import { definePlugin, type PluginInstance } from '../server/form/define-plugin.ts'
import type { HeaderMap } from '../server/form/pdk-calls.ts'
import type { PluginModule } from '../server/form/plugin-module.ts'
import { type BreakerPluginConfig, readBreakerConfig } from './config.ts'
import { schema } from './schema.ts'

/** The answer in place of the upstream's. */
export interface Refusal {
  readonly status: number
  readonly body: string
  readonly headers: HeaderMap
}

/** Whether a request may pass: null, or what to answer instead. Synchronous: it is asked at every request. */
export type Decide = (config: BreakerPluginConfig, instance: PluginInstance) => Refusal | null

/** The plugin over a breaker. */
export function circuitBreakerPlugin(decide: Decide): Required<PluginModule> {
  return definePlugin<BreakerPluginConfig>({
    name: 'mesh-circuit-breaker',
    version: '0.1.0',
    priority: 900,
    schema,
    configure: readBreakerConfig,
    handlers: {
      access(kong, config, instance) {
        const refusal = decide(config, instance)
        if (refusal === null) return undefined
        return kong.response.exit(refusal.status, refusal.body, refusal.headers)
      },
    },
  })
}

export const { Plugin, Name, Version, Priority, Schema, Handlers } = circuitBreakerPlugin(() => null)
