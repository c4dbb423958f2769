import net from 'node:net'
import type { Address, ResolvedTarget } from '../balancer/address.ts'
import { Balancer } from '../balancer/balancer.ts'
import type { BalancerHealth, MarkResult, TargetHealth } from '../balancer/health.ts'
import { HealthMemory } from '../balancer/health-memory.ts'
import { type TargetRow, type UpstreamRow, usesHealthChecks } from '../balancer/upstream-row.ts'
import { formatTarget } from '../schema/address.ts'
import type { Change, Store } from '../store.ts'
import { type HostResolver, NAME_ERROR } from './resolve-host.ts'

export interface BalancersOptions {
  readonly store: Store
  readonly resolver: HostResolver
  /** How long a new upstream without health checks stays without balancer, in ms. */
  readonly buildDelayMs: number
  /** Told of every balancer that is built or taken away (then with undefined). */
  readonly onBuilt?: (upstreamId: string, balancer: Balancer | undefined) => void
}

/** Time from a new upstream with health checks to its balancer, in ms; Kong needs some tens. */
const CHECKED_BUILD_DELAY_MS = 30
const REFRESH_NAMES_MS = 5_000

/**
 * The balancers of all upstreams. As in Kong a new upstream has none at first: it is built by its first request,
 * some time later, or at once by an edit; after that every change of a target or of the upstream rebuilds it, and
 * health carries over.
 */
export class Balancers implements BalancerHealth {
  readonly #options: BalancersOptions
  readonly #balancers = new Map<string, Balancer>()
  readonly #idByName = new Map<string, string>()
  readonly #targets = new Map<string, Map<string, TargetRow>>()
  readonly #memories = new Map<string, HealthMemory>()
  readonly #timers = new Map<string, NodeJS.Timeout>()
  readonly #refresh: NodeJS.Timeout

  constructor(options: BalancersOptions) {
    this.#options = options
    for (const row of options.store.all('targets')) this.#putTarget(row as unknown as TargetRow)
    for (const row of options.store.all('upstreams')) {
      const upstream = row as unknown as UpstreamRow
      this.#idByName.set(upstream.name, upstream.id)
      this.#build(upstream.id)
    }
    options.store.onChange((change) => this.#follow(change))
    this.#refresh = setInterval(() => this.#refreshNames(), REFRESH_NAMES_MS).unref()
  }

  /** The balancer for a service's host; undefined when no upstream has that name. Builds it when it has to. */
  forHost(host: string): Balancer | undefined {
    const id = this.#idByName.get(host)
    if (id === undefined) return undefined
    return this.#balancers.get(id) ?? this.#build(id)
  }

  /** Resolves when names of this upstream that were never asked for have an answer. */
  async settleNames(balancer: Balancer): Promise<Balancer> {
    const id = balancer.upstream.id
    const names = this.#names(id).filter((name) => !this.#options.resolver.isFresh(name))
    if (names.length === 0) return this.#balancers.get(id) ?? balancer
    await Promise.all(names.map((name) => this.#options.resolver.resolve(name)))
    return this.#rebuildFor(id) ?? balancer
  }

  health(upstreamId: string): ReadonlyMap<string, TargetHealth> | undefined {
    return this.#balancers.get(upstreamId)?.health()
  }

  balancerHealth(upstreamId: string): unknown | undefined {
    return this.#balancers.get(upstreamId)?.summary()
  }

  mark(upstreamId: string, target: string, address: string | null, healthy: boolean): MarkResult {
    const balancer = this.#balancers.get(upstreamId)
    if (!balancer) return 'no balancer'
    if (!balancer.hasHealthChecker) return 'no healthchecker'
    const { host, port } = splitTarget(target)
    if (address === null) {
      balancer.mark(host, port, null, healthy, Date.now())
    } else {
      const one = splitTarget(formatTarget(address) ?? address)
      // A name in its place is every address of the target; IPv6 Kong does not find again, in whatever form.
      const ip = net.isIP(one.host) === 0 ? null : one.host
      balancer.mark(host, one.port, ip, healthy, Date.now())
    }
    return 'ok'
  }

  *all(): Iterable<Balancer> {
    yield* this.#balancers.values()
  }

  close(): void {
    clearInterval(this.#refresh)
    for (const timer of this.#timers.values()) clearTimeout(timer)
  }

  #follow({ collection, before, after }: Change): void {
    if (collection === 'targets')
      this.#followTarget(before as TargetRow | undefined, after as TargetRow | undefined)
    else if (collection === 'upstreams')
      this.#followUpstream(before as UpstreamRow | undefined, after as UpstreamRow | undefined)
  }

  #followTarget(before: TargetRow | undefined, after: TargetRow | undefined): void {
    if (before) this.#targets.get(before.upstream.id)?.delete(before.id)
    if (after) this.#putTarget(after)
    const id = (after ?? before)!.upstream.id
    if (this.#balancers.has(id)) this.#build(id)
  }

  #followUpstream(before: UpstreamRow | undefined, after: UpstreamRow | undefined): void {
    if (before && before.name !== after?.name) {
      if (this.#idByName.get(before.name) === before.id) this.#idByName.delete(before.name)
      this.#memories.get(before.name)?.retire(Date.now())
    }
    if (!after) {
      this.#clearTimer(before!.id)
      this.#targets.delete(before!.id)
      if (this.#balancers.delete(before!.id)) this.#options.onBuilt?.(before!.id, undefined)
      this.#forgetOldMemories()
      return
    }
    this.#idByName.set(after.name, after.id)
    // A PUT over an existing upstream is an edit: Kong rebuilds for it without waiting.
    if (before && (this.#balancers.has(after.id) || usesHealthChecks(after.healthchecks)))
      this.#build(after.id)
    else this.#buildLater(after)
  }

  #buildLater(upstream: UpstreamRow): void {
    this.#clearTimer(upstream.id)
    const delayMs = usesHealthChecks(upstream.healthchecks)
      ? Math.min(CHECKED_BUILD_DELAY_MS, this.#options.buildDelayMs)
      : this.#options.buildDelayMs
    this.#timers.set(upstream.id, setTimeout(() => this.#build(upstream.id), delayMs).unref())
  }

  #build(upstreamId: string): Balancer | undefined {
    this.#clearTimer(upstreamId)
    const upstream = this.#options.store.get('upstreams', upstreamId) as unknown as UpstreamRow | undefined
    if (!upstream) return undefined
    let memory = this.#memories.get(upstream.name)
    if (!memory) {
      memory = new HealthMemory()
      this.#memories.set(upstream.name, memory)
    }
    const targets = [...(this.#targets.get(upstreamId)?.values() ?? [])].sort(byAge)
    const balancer = new Balancer({
      upstream,
      targets: targets.map((target) => this.#resolved(target)),
      memory,
      seed: Math.floor(Math.random() * 0x7fffffff),
      nowMs: Date.now(),
    })
    this.#balancers.set(upstreamId, balancer)
    this.#options.onBuilt?.(upstreamId, balancer)
    return balancer
  }

  #resolved(target: TargetRow): ResolvedTarget {
    const { host, port } = splitTarget(target.target)
    const base = { id: target.id, port, weight: target.weight }
    if (net.isIPv4(host)) return { ...base, host, isName: false, ips: [host], dns: 'A' }
    if (net.isIPv6(host))
      return { ...base, host: `[${host}]`, isName: false, ips: [`[${host}]`], dns: 'AAAA' }
    const known = this.#options.resolver.known(host)
    if (!known) void this.#options.resolver.resolve(host).then(() => this.#rebuildFor(target.upstream.id))
    return { ...base, host, isName: true, ...(known ?? NAME_ERROR) }
  }

  /** A name has other addresses: of one that is gone nothing is remembered, other than of a deleted target. */
  #rebuildFor(upstreamId: string): Balancer | undefined {
    const before = this.#balancers.get(upstreamId)
    if (!before) return undefined
    const after = this.#build(upstreamId)
    const kept = new Set([...(after?.addresses() ?? [])].map(({ key }) => key))
    const memory = this.#memories.get(before.upstream.name)
    for (const { key } of before.addresses()) if (!kept.has(key)) memory?.forget(key)
    return after
  }

  #names(upstreamId: string): string[] {
    const hosts = [...(this.#targets.get(upstreamId)?.values() ?? [])].map(
      (target) => splitTarget(target.target).host,
    )
    return [...new Set(hosts.filter((host) => net.isIP(host) === 0))]
  }

  #refreshNames(): void {
    for (const id of this.#balancers.keys()) {
      for (const name of this.#names(id)) {
        if (this.#options.resolver.isFresh(name)) continue
        const before = this.#options.resolver.known(name)
        void this.#options.resolver.resolve(name).then((after) => {
          if (String(before?.ips) !== String(after.ips)) this.#rebuildFor(id)
        })
      }
    }
  }

  #putTarget(target: TargetRow): void {
    const targets = this.#targets.get(target.upstream.id) ?? new Map<string, TargetRow>()
    this.#targets.set(target.upstream.id, targets)
    targets.set(target.id, target)
  }

  #clearTimer(upstreamId: string): void {
    clearTimeout(this.#timers.get(upstreamId))
    this.#timers.delete(upstreamId)
  }

  #forgetOldMemories(): void {
    for (const [name, memory] of this.#memories) {
      if (this.#idByName.has(name)) continue
      memory.retire(Date.now())
      if (memory.isEmpty) this.#memories.delete(name)
    }
  }
}

export type { Address }

/** `host:port`, the host without brackets. */
export function splitTarget(target: string): { host: string; port: number } {
  const colon = target.lastIndexOf(':')
  return { host: target.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(target.slice(colon + 1)) }
}

function byAge(a: TargetRow, b: TargetRow): number {
  return a.created_at - b.created_at || (a.id < b.id ? -1 : 1)
}
