// mesh-circuit-breaker: lets a request through or refuses it. After authentication and limits, whose refusals must
// take no permit. A request that passes costs no PDK call.
import type { FaultView } from '../../operator/core/faults.ts'
import { definePlugin } from '../server/form/define-plugin.ts'
import type { PdkCalls } from '../server/form/pdk-calls.ts'
import type { PluginModule } from '../server/form/plugin-module.ts'
import { Circuits } from './circuits.ts'
import { type BreakerPluginConfig, readBreakerConfig } from './config.ts'
import { abortAnswer, faultFor, isBelow } from './inject-fault.ts'
import { refusalOf } from './refusal.ts'
import { schema } from './schema.ts'
import { waitInSteps } from './wait-in-steps.ts'

/** The plugin over circuits. */
export function circuitBreakerPlugin(
  decidedBy: Pick<Circuits, 'configure' | 'decide' | 'refused' | 'faultsOf' | 'serviceOf'>,
): Required<PluginModule> {
  const decide = (kong: PdkCalls, { key, refusal }: BreakerPluginConfig): Promise<void> | undefined => {
    const retryAfterSeconds = key === '' ? 0 : decidedBy.decide(key)
    if (retryAfterSeconds === 0) return undefined
    // What mesh-tracing has set is among them.
    return kong.request.getHeaders().then((headers) => {
      const answer = refusalOf(refusal, { ...decidedBy.refused(key), retryAfterSeconds, headers })
      return kong.response.exit(answer.status, answer.body, answer.headers)
    })
  }
  // Before a permit is taken: an aborted request reaches nobody, and says nothing about anybody.
  const inject = async (kong: PdkCalls, config: BreakerPluginConfig, faults: FaultView): Promise<void> => {
    const fault = faultFor(faults, Date.now(), [Math.random(), Math.random()])
    const isMeant =
      fault !== null && (faults.paths.length === 0 || isBelow(await kong.request.getPath(), faults.paths))
    if (isMeant && fault.delayMs > 0) await waitInSteps(kong, fault.delayMs)
    if (!isMeant || fault.abortStatus === null) return decide(kong, config)
    const answer = abortAnswer(decidedBy.serviceOf(config.key), fault.abortStatus)
    return kong.response.exit(answer.status, answer.body, answer.headers)
  }
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
      access(kong, config) {
        const faults = config.key === '' ? null : decidedBy.faultsOf(config.key)
        return faults === null ? decide(kong, config) : inject(kong, config, faults)
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
