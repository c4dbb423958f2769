// The whole mesh that a fault is put to: every part a process, three instances, 200 requests a second.
import { type ChaosProxy, startChaosProxy } from '../support/chaos-proxy.ts'
import { PER_SECOND, trafficTo } from '../support/grey-fault.ts'
import type { InstanceProcess } from '../support/instance.ts'
import type { Mesh } from '../support/mesh.ts'
import { type ProcessMesh, startProcessMesh } from '../support/process-mesh.ts'
import { startTraffic, type Traffic } from '../support/traffic.ts'
import type { ChaosOf, Fault, Prepared } from './fault.ts'

export interface Stage<Resource = unknown> {
  readonly resource: Resource
  readonly processes: ProcessMesh
  readonly mesh: Mesh
  readonly service: string
  /** That are to serve in the end; whoever restarts one puts it here. */
  readonly instances: InstanceProcess[]
  readonly traffic: Traffic
  /** What happens to calls of the operator, where a proxy is between. */
  readonly chaos: { consul: ChaosOf; admin: ChaosOf }
  /** Cuts every connection of the operator to Consul, where a proxy is between. */
  cutConsul(): void
  /** The operator's own word on itself. */
  status(url?: string): Promise<StageStatus>
  stop(): Promise<void>
}

/** As far as faults look. */
export interface StageStatus {
  readonly leading: boolean
  readonly ready: boolean
  readonly consul: { readonly connected: boolean; readonly error: string | null }
  readonly kong: {
    readonly connected: boolean
    readonly error: string | null
    readonly version: string | null
  }
  readonly problems: readonly { readonly code: string; readonly message: string }[]
  readonly failing: readonly { readonly service: string }[]
  readonly pending: readonly string[]
}

/** Without traffic yet: the caller starts it, since whatever fails before is no result. */
export async function startStage<Resource>(
  {
    settings = {},
    timeoutMs = 10_000,
    perSecond = PER_SECOND,
  }: Pick<Fault<Resource>, 'settings' | 'timeoutMs' | 'perSecond'>,
  prepared: Prepared<Resource>,
): Promise<Stage<Resource>> {
  const { between = [], mesh: options = {}, operatorEnv } = prepared
  const calm: ChaosOf = () => ({ what: 'none' })
  const chaos = { consul: calm, admin: calm }
  const proxies: Partial<Record<'consul' | 'admin', ChaosProxy>> = {}
  const processes = await startProcessMesh({
    ...options,
    operatorEnv: async (mesh) => {
      const targets = { consul: mesh.consul.url, admin: mesh.adminUrl }
      for (const which of between) {
        const chaosOf: ChaosOf = (asked) => chaos[which](asked)
        proxies[which] ??= await startChaosProxy({ targetUrl: targets[which], chaosOf })
      }
      return {
        ...(proxies.consul ? { CONSUL_HTTP_ADDR: proxies.consul.url } : {}),
        ...(proxies.admin ? { KONG_ADMIN_URL: proxies.admin.url } : {}),
        ...(await operatorEnv?.(mesh)),
      }
    },
  })
  const { mesh } = processes
  const stop = async () => {
    Object.assign(chaos, { consul: calm, admin: calm })
    // A row that failed may have left it asleep, and then it would not hear that it is to stop.
    try {
      process.kill(mesh.operator.pid, 'SIGCONT')
    } catch {
      // it is gone already
    }
    await processes.stop()
    await Promise.all(Object.values(proxies).map((proxy) => proxy.close()))
  }
  try {
    const service = mesh.service('steady')
    const instances = await processes.deploy(service, 3, settings)
    const tls = prepared.tls
    const traffic =
      tls === undefined
        ? trafficTo(mesh.proxyUrl, service, { timeoutMs, perSecond })
        : startTraffic({
            url: `https://127.0.0.1:${tls.port}/`,
            headers: () => ({ host: `${service}.mesh` }),
            perSecond,
            timeoutMs,
            tls,
          })
    return {
      resource: prepared.resource,
      processes,
      mesh,
      service,
      instances,
      traffic,
      chaos,
      cutConsul: () => proxies.consul?.cut(),
      status: async (url = mesh.apiUrl) => {
        const signal = AbortSignal.timeout(2_000)
        return (await (await fetch(`${url}/api/v1/mesh/v2/status`, { signal })).json()) as StageStatus
      },
      stop: async () => {
        await traffic.stop()
        await stop()
      },
    }
  } catch (error) {
    await stop()
    throw error
  }
}
