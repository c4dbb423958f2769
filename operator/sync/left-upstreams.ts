import type { Change } from '../core/diff.ts'
import type { Entity } from '../core/entity.ts'

export interface LeftUpstreamsOptions {
  /** What the Consul service wants now. */
  readonly wantedBy: (service: string) => readonly Entity[]
  /** Does a service of Kong lead to the upstream of this name? */
  readonly isUsed: (upstream: string) => boolean
  /** Without database a configuration is taken over as a whole. */
  readonly isDbless: () => boolean
  /** The service has something to remove now. */
  readonly onDue: (service: string) => void
}

/**
 * Workers of Kong follow a changed service after worker_state_update_frequency, other nodes db_update_frequency before
 * that, both 5 s by default; an upstream that is removed is gone at once, and who still sends requests there answers 503.
 */
const KEPT_MS = 11_000

/** Upstreams that requests were led away from: they stay, with their targets, until every worker of Kong has noticed. */
export class LeftUpstreams {
  readonly #options: LeftUpstreamsOptions
  /** By name. */
  readonly #left = new Map<string, NodeJS.Timeout>()
  /** Running while an upstream that nothing leads to may have been left by who wrote before. */
  #beginning: NodeJS.Timeout | null = null
  /** Services that wait to remove one. */
  readonly #waiting = new Map<string, Set<string>>()

  constructor(options: LeftUpstreamsOptions) {
    this.#options = options
  }

  /** Kong was read, and somebody else may have written to it until a moment ago: this operator before it was started anew. */
  begin(): void {
    if (this.#beginning !== null) clearTimeout(this.#beginning)
    this.#beginning = setTimeout(() => {
      this.#beginning = null
    }, KEPT_MS).unref()
  }

  /** Noted when a service of Kong has gone elsewhere, or is gone. */
  written({ action, entity, before, fields }: Change): void {
    if (entity.kind !== 'service' || before === null || this.#options.isDbless()) return
    if (action === 'update' && !fields.includes('host')) return
    this.#leave(String(before.fields.host ?? ''))
  }

  /** Was it led away from too short a time ago to be removed? */
  isRecent({ action, entity, upstream }: UpstreamChange): boolean {
    return action === 'delete' && this.#left.has(upstream) && this.#isServedOtherwise(entity.owner, upstream)
  }

  /** Does the removal wait, for this or for a service of Kong that still leads there? */
  keeps(change: UpstreamChange): boolean {
    const { action, entity, service, upstream } = change
    if (action !== 'delete' || upstream === '' || this.#options.isDbless()) return false
    if (!this.#isServedOtherwise(entity.owner, upstream)) return false
    if (!this.#left.has(upstream) && !this.#options.isUsed(upstream)) {
      if (this.#beginning === null) return false
      this.#leave(upstream)
    }
    this.#waiting.set(upstream, (this.#waiting.get(upstream) ?? new Set()).add(service))
    return true
  }

  stop(): void {
    if (this.#beginning !== null) clearTimeout(this.#beginning)
    for (const timer of this.#left.values()) clearTimeout(timer)
    this.#left.clear()
  }

  /** Not by this upstream any more, and not gone as a whole: then nobody asks for it. */
  #isServedOtherwise(owner: string, upstream: string): boolean {
    const wanted = this.#options.wantedBy(owner)
    const has = (of: Entity['kind'], name?: string) =>
      wanted.some((each) => each.kind === of && (name === undefined || each.name === name))
    return has('service') && !has('upstream', upstream)
  }

  #leave(upstream: string): void {
    clearTimeout(this.#left.get(upstream))
    this.#left.set(upstream, setTimeout(() => this.#end(upstream), KEPT_MS).unref())
  }

  #end(upstream: string): void {
    this.#left.delete(upstream)
    const services = this.#waiting.get(upstream) ?? new Set()
    this.#waiting.delete(upstream)
    for (const service of services) this.#options.onDue(service)
  }
}

/** A change with the name of the upstream that it is about; '' for other kinds. */
export interface UpstreamChange extends Pick<Change, 'action' | 'entity' | 'service'> {
  readonly upstream: string
}
