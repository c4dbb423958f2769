import type { Io } from '../io.ts'
import type { OpenMesh } from '../read-mesh.ts'
import { isReachable, statusReport, statusTable } from '../status-report.ts'
import type { Stack } from './stack.ts'

/**
 * The live table of `up`: services, instances, health, weights as Consul and Kong have them now, and the requests
 * that the sample services have counted. Services that are not ours have no count.
 */
export async function meshTable(mesh: OpenMesh, stack: Stack, io: Io): Promise<string[]> {
  try {
    const { desired, actual, diff } = await mesh.read()
    const { services } = statusReport(desired, actual, diff, null)
    const requests = new Map(stack.instances.map(({ sample, requests: count }) => [sample.id, count]))
    const shown = services.filter(isReachable)
    return statusTable(shown, io, {
      title: 'REQUESTS',
      of: ({ id }) => String(requests.get(id) ?? '-'),
    })
  } catch (error) {
    // Consul or Kong may be busy for a moment; the next reading is half a second away.
    return [`not readable: ${(error as Error).message}`]
  }
}
