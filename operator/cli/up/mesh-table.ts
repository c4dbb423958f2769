import { circuitNote } from '../circuit-notes.ts'
import type { Io } from '../io.ts'
import { readCircuits } from '../operator-client.ts'
import type { OpenMesh } from '../read-mesh.ts'
import { isReachable, statusReport, statusTable } from '../status-report.ts'
import type { Stack } from './stack.ts'

/**
 * The live table of `up`: services, instances, health, weights as Consul and Kong have them now, and the requests
 * that the sample services have counted. Services that are not ours have no count. Below it what the circuit breaker
 * keeps out.
 */
export async function meshTable(mesh: OpenMesh, stack: Stack, io: Io): Promise<string[]> {
  try {
    const [{ desired, actual, diff }, { circuits }] = await Promise.all([
      mesh.read(),
      readCircuits({ addr: stack.apiUrl, operatorToken: undefined }),
    ])
    const report = statusReport(desired, actual, diff, null, circuits)
    const requests = new Map(stack.instances.map(({ sample, requests: count }) => [sample.id, count]))
    const table = statusTable(report.services.filter(isReachable), io, {
      title: 'REQUESTS',
      of: ({ id }) => String(requests.get(id) ?? '-'),
    })
    return [...table, ...report.circuits.map((row) => io.paint.red(circuitNote(row, Date.now())))]
  } catch (error) {
    // Consul or Kong may be busy for a moment; the next reading is half a second away.
    return [`not readable: ${(error as Error).message}`]
  }
}
