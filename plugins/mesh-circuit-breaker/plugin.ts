// mesh-circuit-breaker: lets a request through or refuses it. After authentication and limits, whose refusals must
// take no permit. A request that passes costs no PDK call.
import { definePlugin } from '../server/form/define-plugin.ts'
import type { PluginModule } from '../server/form/plugin-module.ts'
import { Circuits } from './circuits.ts'
import { type BreakerPluginConfig, readBreakerConfig } from './config.ts'
import { refusalOf } from './refusal.ts'
import { schema } from './schema.ts'

/** The plugin over circuits. */
export function circuitBreakerPlugin(
  decidedBy: Pick<Circuits, 'configure' | 'decide' | 'refused'>,
): Required<PluginModule> {
  return definePlugin<BreakerPluginConfig>({
    name: 'mesh-circuit-breaker',
    version: '0.1.0',
    priority: 900,
    schema,
    configure: (raw, instance) => {
      const config = readBreakerConfig(raw, instance)
      decidedBy.configure(config)
      return config
    },
    handlers: {
      access(kong, { key, refusal }) {
        const retryAfterSeconds = key === '' ? 0 : decidedBy.decide(key)
        if (retryAfterSeconds === 0) return undefined
        // What mesh-tracing has set is among them.
        return kong.request.getHeaders().then((headers) => {
          const answer = refusalOf(refusal, { ...decidedBy.refused(key), retryAfterSeconds, headers })
          return kong.response.exit(answer.status, answer.body, answer.headers)
        })
      },
    },
  })
}

/** Of this process; whoever runs the plugins connects them with outcomes, operators and Kong. */
export const circuits = new Circuits({
  nowMs: () => performance.now(),
  wallNowMs: () => Date.now(),
  random: Math.random,
})

export const { Plugin, Name, Version, Priority, Schema, Handlers } = circuitBreakerPlugin(circuits)
