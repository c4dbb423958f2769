// Instances of each service by health, for Prometheus. Read when it is asked for.
import { Gauge, type Registry } from 'prom-client'
import { countHealth, type MeshInstance } from '../api/mesh-services.ts'

/** Services with series of their own; what comes after is told as `other`. */
const MOST_SERVICES = 2_000
const OTHER = 'other'
const STATES = ['healthy', 'degraded', 'unhealthy'] as const

export function registerInstanceMetrics(
  registry: Registry,
  services: () => ReadonlyMap<string, readonly MeshInstance[]>,
): void {
  const registers = [registry]
  new Gauge({
    name: 'mesh_service_instances',
    help: 'Instances of a service by health, as Consul has them.',
    labelNames: ['service', 'health'],
    registers,
    collect() {
      this.reset()
      let at = 0
      for (const [name, instances] of services()) {
        const service = at++ < MOST_SERVICES ? name : OTHER
        const counts = countHealth(instances)
        for (const health of STATES) this.inc({ service, health }, counts[health])
      }
    },
  })
  new Gauge({
    name: 'mesh_health_score',
    help: 'Healthy instances over all instances of the mesh, 0 to 1; 1 for a mesh without any.',
    registers,
    collect() {
      const { total, healthy } = countHealth([...services().values()].flat())
      this.set(total === 0 ? 1 : healthy / total)
    },
  })
}
