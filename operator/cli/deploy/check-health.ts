import type { CatalogSnapshot } from '../../core/catalog.ts'
import { rollUp } from '../../core/health.ts'
import { counted } from '../counted.ts'
import type { DeployFile } from './deploy-file.ts'

/** How the instances of a file are, by their checks in Consul. */
export interface FileHealth {
  /** Instances that get no traffic, and why. */
  readonly unhealthy: readonly string[]
  /** Services of which no instance gets any. */
  readonly dead: readonly string[]
  /** `3 of 4 instances healthy` */
  readonly summary: string
}

/** Pure. */
export function healthOf({ registrations }: DeployFile, { services }: CatalogSnapshot): FileHealth {
  const alive = new Set<string>()
  const unhealthy: string[] = []
  for (const { ID, Name } of registrations) {
    const instance = services.get(Name)?.find(({ id }) => id === ID)
    const { health, reason } =
      instance === undefined ? { health: 'unhealthy', reason: 'not in Consul' } : rollUp(instance)
    if (health === 'unhealthy') unhealthy.push(`${ID}: ${reason}`)
    else alive.add(Name)
  }
  const names = new Set(registrations.map(({ Name }) => Name))
  const healthy = registrations.length - unhealthy.length
  return {
    unhealthy,
    dead: [...names].filter((name) => !alive.has(name)).sort(),
    summary: `${healthy} of ${counted(registrations.length, 'instance')} healthy`,
  }
}
