/** What each instance of a service weighs while it is healthy or degraded. */

import type { Instance } from './catalog.ts'
import type { Problem } from './problem.ts'
import { weightsInMeta } from './service-meta.ts'
import type { ServiceSettings } from './settings.ts'

export interface Weights {
  readonly passing: number
  readonly warning: number
}

type Report = (code: string, severity: Problem['severity'], message: string) => void

/** In the order of the instances. */
export function instanceWeights(
  instances: readonly Instance[],
  effective: ServiceSettings,
  report: Report,
): readonly Weights[] {
  const given = instances.map((instance) => weightsOf(instance, effective, report))
  return usesEqualWeights(effective.settings.loadBalancing.strategy, given) ? given.map(equalised) : given
}

/** Equal weights of round_robin: Kong's own default for a target. */
const EQUAL_WEIGHT = 100
const MOST_WEIGHT = 65_535

/**
 * `round_robin` by definition, `weighted` never. The others weigh what differs; where nothing does, weights like those
 * of round_robin make a change of strategy one write instead of one for each target.
 */
const usesEqualWeights = (strategy: string, given: readonly Weights[]): boolean =>
  strategy === 'round_robin' ||
  (strategy !== 'weighted' && given.every(({ passing }) => passing === given[0]?.passing))

const equalised = ({ passing, warning }: Weights): Weights => ({
  passing: passing > 0 ? EQUAL_WEIGHT : 0,
  warning,
})

/** Consul's Weights < mesh/defaults < the instance's meta < mesh/services/<name>. */
function weightsOf(instance: Instance, { settings, sources }: ServiceSettings, report: Report): Weights {
  const meta = weightsInMeta(instance)
  const pick = (which: 'passing' | 'warning'): number => {
    const set = settings.weights[which]
    const isFromKv = sources[`weights.${which}`]?.startsWith('mesh/services/') ?? false
    return (isFromKv ? set : (meta[which] ?? set)) ?? instance.weights[which]
  }
  const clamp = (weight: number): number => {
    const whole = Math.min(Math.max(Math.trunc(weight) || 0, 0), MOST_WEIGHT)
    if (whole !== weight) {
      const which = `weight ${weight} of instance ${instance.id} on ${instance.node}`
      report('WEIGHT_CLAMPED', 'warning', `${which} is not one from 0 to ${MOST_WEIGHT}; ${whole} is used`)
    }
    return whole
  }
  return { passing: clamp(pick('passing')), warning: clamp(pick('warning')) }
}
