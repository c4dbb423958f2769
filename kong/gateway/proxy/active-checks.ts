import http from 'node:http'
import https from 'node:https'
import net from 'node:net'
import type { Address } from '../balancer/address.ts'
import type { Balancer } from '../balancer/balancer.ts'
import type { Store } from '../store.ts'

/**
 * Runs the probes that upstreams ask for: healthy and unhealthy addresses each at their own interval. Probes of type
 * tcp are not run: in Kong they belong to the stream module, which is off unless stream_listen is set.
 */
export class ActiveChecks {
  readonly #timers = new Map<string, NodeJS.Timeout[]>()
  readonly #store: Store

  constructor(store: Store) {
    this.#store = store
  }

  /** Starts, restarts or (without balancer) ends the probes of an upstream. */
  follow(upstreamId: string, balancer: Balancer | undefined): void {
    for (const timer of this.#timers.get(upstreamId) ?? []) clearInterval(timer)
    this.#timers.delete(upstreamId)
    if (!balancer) return
    const { active } = balancer.upstream.healthchecks
    if (active.type === 'tcp') return
    const timers: NodeJS.Timeout[] = []
    for (const [healthy, intervalSeconds] of [
      [true, active.healthy.interval],
      [false, active.unhealthy.interval],
    ] as const) {
      if (intervalSeconds <= 0) continue
      let isRunning = false
      const round = async (): Promise<void> => {
        if (isRunning) return
        isRunning = true
        const due = [...balancer.addresses()].filter(
          (address) => address.weight > 0 && address.available === healthy,
        )
        await this.#probeAll(balancer, due, active.concurrency)
        isRunning = false
      }
      timers.push(setInterval(() => void round(), intervalSeconds * 1000).unref())
    }
    if (timers.length > 0) this.#timers.set(upstreamId, timers)
  }

  close(): void {
    for (const timers of this.#timers.values()) for (const timer of timers) clearInterval(timer)
    this.#timers.clear()
  }

  async #probeAll(balancer: Balancer, addresses: readonly Address[], concurrency: number): Promise<void> {
    const queue = [...addresses]
    const worker = async (): Promise<void> => {
      for (let address = queue.shift(); address; address = queue.shift()) {
        report(balancer, address, await this.#probe(balancer, address))
      }
    }
    await Promise.all(Array.from({ length: Math.max(1, concurrency) }, worker))
  }

  #probe(balancer: Balancer, address: Address): Promise<ProbeResult> {
    const { active } = balancer.upstream.healthchecks
    const host = address.ip.replace(/^\[|\]$/g, '')
    const timeoutMs = active.timeout * 1000
    const name = balancer.upstream.host_header ?? address.hostname
    const certificateId = balancer.upstream.client_certificate?.id
    const certificate =
      certificateId === undefined ? undefined : this.#store.get('certificates', certificateId)
    const serverName = (active.https_sni ?? name).replace(/^\[|\]$/g, '')
    const options: https.RequestOptions = {
      host,
      port: address.port,
      path: active.http_path,
      agent: false,
      headers: { ...(active.headers as Record<string, string[]> | null), Host: name },
      ...(active.type === 'https'
        ? {
            rejectUnauthorized: active.https_verify_certificate,
            ...(net.isIP(serverName) === 0 ? { servername: serverName } : {}),
            ...(certificate ? { cert: certificate.cert as string, key: certificate.key as string } : {}),
          }
        : {}),
    }
    return probeHttp(active.type === 'https' ? https.get(options) : http.get(options), timeoutMs)
  }
}

type ProbeResult = number | 'timeout' | 'failed'

function report(balancer: Balancer, address: Address, result: ProbeResult): void {
  const now = Date.now()
  if (result === 'timeout') balancer.reportTimeout(address, now, 'active')
  else if (result === 'failed') balancer.reportTcpFailure(address, now, 'active')
  else balancer.reportStatus(address, result, now, 'active')
}

function probeHttp(request: http.ClientRequest, timeoutMs: number): Promise<ProbeResult> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      resolve('timeout')
      request.destroy()
    }, timeoutMs)
    request.once('response', (response) => {
      clearTimeout(timer)
      resolve(response.statusCode ?? 0)
      response.destroy()
    })
    request.once('error', () => {
      clearTimeout(timer)
      resolve('failed')
    })
  })
}
