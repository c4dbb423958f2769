// kill -9 of the operator at every Admin call of an apply, one run per call: what is changed meanwhile has to be in Kong
// after the next start.
import { ok } from 'node:assert/strict'
import type { InstanceProcess } from './instance.ts'
import type { Mesh } from './mesh.ts'
import { waitFor } from './wait-for.ts'

export interface KilledMidway {
  /** For the proxy before the Admin API: true when this call was to be the last of the operator, which is killed. */
  isLast(method: string, path: string): boolean
  /** All runs. @returns methods of the calls at which it was killed, one for each @throws when a run does not converge */
  run(): Promise<readonly string[]>
}

export interface KilledMidwayOptions {
  readonly mesh: Mesh
  /** A service with three instances; it gets a fourth. */
  readonly service: string
  readonly startOperator: () => Promise<unknown>
}

/** More calls than one apply of the changes below needs: the loop ends by itself well before. */
const MOST_CALLS = 40
const PATIENT_MS = 60_000

/** Writes, and the reads of single entities before them; not the looks at health and at the node that go on at rest. */
const isOfApply = (method: string, path: string): boolean =>
  method !== 'GET' || /^\/(upstreams|services|routes)\/[^/?]+(\/targets\/[^/?]+)?$/.test(path)

export function killedMidway({ mesh, service, startOperator }: KilledMidwayOptions): KilledMidway {
  /** Called for each call of an apply on its way to Kong. */
  let isDeadly = (_method: string): boolean => false
  const killedAt: string[] = []
  let spares: readonly InstanceProcess[] = []
  let runs = 0

  /** Changes of every kind at once: a new service, an instance more, one less, another strategy. The next run takes them back. */
  async function change(run: number): Promise<string> {
    const isOdd = run % 2 === 1
    await mesh.setKv(`mesh/services/${service}`, {
      loadBalancing: { strategy: isOdd ? 'ip_hash' : 'least_connections' },
    })
    const [comes, goes] = isOdd ? [spares[0]!, spares[1]!] : [spares[1]!, spares[0]!]
    await mesh.register({ id: comes.name, name: service, port: comes.port })
    await mesh.deregister(goes.name)
    const fresh = mesh.service(`fresh${run}`)
    await mesh.register({ id: fresh, name: fresh, port: comes.port })
    return fresh
  }

  /** Waits until Kong is what the changes of this run ask for. */
  async function converged(run: number, fresh: string): Promise<void> {
    const isOdd = run % 2 === 1
    await waitFor(
      async () => {
        const { body } = await mesh.admin('GET', `/upstreams/${service}.mesh`)
        const targets = await mesh.targets(service)
        return (
          body.algorithm === (isOdd ? 'consistent-hashing' : 'least-connections') &&
          targets.length === 4 &&
          targets.some(({ target }) => target.endsWith(`:${spares[isOdd ? 0 : 1]!.port}`)) &&
          (await mesh.get(fresh, '/')).status === 200
        )
      },
      { what: `run ${run} to converge`, deadlineMs: PATIENT_MS },
    )
  }

  /** Changes everything once and ends the operator at the first call that `isIt`; false when it was never made. */
  async function killedOnce(isIt: (method: string) => boolean): Promise<boolean> {
    const run = ++runs
    let hasKilled = false
    isDeadly = (method) => {
      if (hasKilled) return false
      hasKilled = isIt(method)
      return hasKilled
    }
    const fresh = await change(run)
    await Promise.race([mesh.operator.exited, converged(run, fresh).catch(() => {})])
    isDeadly = () => false
    if (!hasKilled) return false
    await mesh.operator.exited
    await startOperator()
    await converged(run, fresh)
    return true
  }

  return {
    isLast(method, path) {
      if (!isOfApply(method, path) || !isDeadly(method)) return false
      killedAt.push(method)
      process.kill(mesh.operator.pid, 'SIGKILL')
      return true
    },
    async run() {
      spares = [await mesh.startInstance(`${service}-a`), await mesh.startInstance(`${service}-b`)]
      await mesh.register({ id: spares[1]!.name, name: service, port: spares[1]!.port })
      await waitFor(async () => (await mesh.targets(service)).length === 4, { what: 'four targets' })
      let kills = 0
      let isUndisturbed = false
      while (kills < MOST_CALLS && !isUndisturbed) {
        let countdown = kills + 1
        isUndisturbed = !(await killedOnce(() => --countdown === 0))
        if (!isUndisturbed) kills += 1
      }
      ok(kills >= 9, `only ${kills} calls were interrupted`)
      ok(isUndisturbed, 'the last run was to finish undisturbed')
      // In which order the changes of a run come differs from run to run: each kind of call has had its turn.
      for (const wanted of ['DELETE', 'PATCH', 'POST']) {
        if (!killedAt.includes(wanted)) ok(await killedOnce((method) => method === wanted), wanted)
      }
      return killedAt
    },
  }
}
