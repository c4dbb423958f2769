/**
 * One upstream's choice of targets: weights, algorithm and health, as Kong 3.9 has them. Pure: time, randomness and
 * resolved addresses come in as arguments; probes and DNS are run by kong/gateway/proxy. Start at `Balancer`.
 */
import { type Address, addressesOf, type ResolvedTarget } from './address.ts'
import type { Algorithm, Selection } from './algorithm.ts'
import { consistentHashing } from './consistent-hashing.ts'
import type { HealthState, TargetHealth } from './health.ts'
import type { HealthMemory } from './health-memory.ts'
import { latency } from './latency.ts'
import { leastConnections } from './least-connections.ts'
import { roundRobin } from './round-robin.ts'
import { type UpstreamRow, usesHealthChecks } from './upstream-row.ts'

export interface BalancerInput {
  readonly upstream: UpstreamRow
  /** In the order of creation. */
  readonly targets: readonly ResolvedTarget[]
  readonly memory: HealthMemory
  /** Any integer: where round-robin starts. */
  readonly seed: number
  readonly nowMs: number
}

export class Balancer {
  readonly upstream: UpstreamRow
  readonly hasHealthChecker: boolean
  readonly #members: readonly { target: ResolvedTarget; addresses: readonly Address[] }[]
  readonly #memory: HealthMemory
  readonly #algorithm: Algorithm
  #isHealthy = false

  constructor({ upstream, targets, memory, seed, nowMs }: BalancerInput) {
    this.upstream = upstream
    this.hasHealthChecker = usesHealthChecks(upstream.healthchecks)
    this.#memory = memory
    this.#members = targets.map((target) => ({ target, addresses: addressesOf(target) }))
    memory.retire(nowMs)
    if (this.hasHealthChecker) {
      for (const address of this.addresses()) {
        if (address.weight > 0) address.available = memory.adopt(address.key, nowMs)
      }
    }
    this.#algorithm = createAlgorithm(upstream, [...this.addresses()], targets.length, seed, nowMs)
    this.#updateHealth()
  }

  *addresses(): Iterable<Address> {
    for (const member of this.#members) yield* member.addresses
  }

  /** The address for the next try of a request; null: 503. */
  pick(selection: Selection, nowMs: number): Address | null {
    if (!this.#isHealthy) return null
    selection.tries++
    selection.address = this.#algorithm.pick(selection, nowMs)
    return selection.address
  }

  finish(selection: Selection, outcome: { readonly elapsedMs: number; readonly nowMs: number }): void {
    this.#algorithm.finish(selection, outcome)
  }

  /** The status that ended a request; 504 of Kong's own making counts as a timeout instead. */
  reportStatus(
    address: Address,
    status: number,
    nowMs: number,
    check: 'active' | 'passive' = 'passive',
  ): void {
    const rules = this.upstream.healthchecks[check]
    if (rules.healthy.http_statuses.includes(status)) {
      this.#report(address, 'success', rules.healthy.successes, nowMs)
    } else if (status === 0 || rules.unhealthy.http_statuses.includes(status)) {
      this.#report(address, 'http', rules.unhealthy.http_failures, nowMs)
    }
  }

  reportTcpFailure(address: Address, nowMs: number, check: 'active' | 'passive' = 'passive'): void {
    this.#report(address, 'tcp', this.upstream.healthchecks[check].unhealthy.tcp_failures, nowMs)
  }

  reportTimeout(address: Address, nowMs: number, check: 'active' | 'passive' = 'passive'): void {
    this.#report(address, 'timeout', this.upstream.healthchecks[check].unhealthy.timeouts, nowMs)
  }

  /** Marks one address (`ip:port`), or every address of a target (`host:port`). */
  mark(hostname: string, port: number, ip: string | null, healthy: boolean, nowMs: number): void {
    for (const address of this.addresses()) {
      if (address.hostname !== hostname || address.port !== port || (ip !== null && address.ip !== ip))
        continue
      if (this.#memory.mark(address.key, healthy)) this.#setAvailable(address, healthy, nowMs)
    }
  }

  health(): ReadonlyMap<string, TargetHealth> {
    const byTarget = new Map<string, TargetHealth>()
    for (const { target, addresses } of this.#members) {
      const isChecked = this.hasHealthChecker && target.weight > 0
      const rows = addresses.map((address) => ({
        ip: address.ip,
        port: address.port,
        weight: address.weight,
        health: !isChecked ? 'HEALTHCHECKS_OFF' : address.available ? 'HEALTHY' : 'UNHEALTHY',
      }))
      byTarget.set(target.id, {
        health: overall(rows.map((row) => row.health as HealthState)),
        data: status(target, addresses, rows),
      })
    }
    return byTarget
  }

  summary(): unknown {
    const state = this.#isHealthy ? 'HEALTHY' : 'UNHEALTHY'
    const orderedMembers =
      this.upstream.algorithm === 'consistent-hashing'
        ? [...this.#members].sort(byHostThenPort)
        : this.#members
    return {
      id: this.upstream.id,
      health: this.hasHealthChecker ? state : 'HEALTHCHECKS_OFF',
      balancer_health: state,
      details: {
        healthy: this.#isHealthy,
        weight: weights([...this.addresses()]),
        hosts: orderedMembers.map(({ target, addresses }) =>
          status(
            target,
            addresses,
            addresses.map(({ ip, port, weight, available }) => ({ ip, port, weight, healthy: available })),
          ),
        ),
      },
    }
  }

  #report(
    address: Address,
    counter: 'success' | 'http' | 'tcp' | 'timeout',
    limit: number,
    nowMs: number,
  ): void {
    if (!this.hasHealthChecker) return
    const changed = this.#memory.report(address.key, counter, limit)
    if (changed === null) return
    for (const other of this.addresses())
      if (other.key === address.key) this.#setAvailable(other, changed, nowMs)
  }

  #setAvailable(address: Address, available: boolean, nowMs: number): void {
    if (address.available === available) return
    address.available = available
    this.#updateHealth()
    this.#algorithm.refresh(nowMs)
  }

  /** Usable while more than `threshold` percent of the weight is; with no weight at all it is not. */
  #updateHealth(): void {
    const { total, available } = weights([...this.addresses()])
    this.#isHealthy = total > 0 && (available / total) * 100 > (this.upstream.healthchecks.threshold ?? 0)
  }
}

function createAlgorithm(
  upstream: UpstreamRow,
  addresses: readonly Address[],
  targetCount: number,
  seed: number,
  nowMs: number,
): Algorithm {
  switch (upstream.algorithm) {
    case 'consistent-hashing':
      return consistentHashing({ addresses, targetCount, slots: upstream.slots })
    case 'least-connections':
      return leastConnections(addresses)
    case 'latency':
      return latency(addresses, nowMs)
    default:
      return roundRobin(addresses, seed)
  }
}

function weights(addresses: readonly Address[]): { total: number; unavailable: number; available: number } {
  let total = 0
  let unavailable = 0
  for (const address of addresses) {
    total += address.weight
    if (!address.available) unavailable += address.weight
  }
  return { total, unavailable, available: total - unavailable }
}

function status(target: ResolvedTarget, addresses: readonly Address[], rows: readonly unknown[]): unknown {
  return {
    host: target.host,
    port: target.port,
    dns: target.dns,
    nodeWeight: target.weight,
    weight: weights(addresses),
    // Lua cannot tell an empty list from an empty object, and Kong prints the object.
    addresses: rows.length === 0 ? {} : rows,
  }
}

/** A target is healthy when one of its addresses is; without any address its name did not resolve. */
function overall(states: readonly HealthState[]): HealthState {
  if (states.length === 0) return 'DNS_ERROR'
  return states.find((state) => state !== 'UNHEALTHY') ?? 'UNHEALTHY'
}

function byHostThenPort(a: { target: ResolvedTarget }, b: { target: ResolvedTarget }): number {
  if (a.target.host !== b.target.host) return a.target.host < b.target.host ? -1 : 1
  return a.target.port - b.target.port
}
