import type { CatalogChange } from '../consul/catalog-watch.ts'
import type { KvWriter } from '../consul/kv-writer.ts'
import type { Instance } from '../core/catalog.ts'
import {
  type AcceptedExternals,
  acceptExternals,
  externalKey,
  externalStatusKey,
} from '../core/external/accept-external.ts'
import { externalInstances, withExternals } from '../core/external/external-instances.ts'
import type { Problem } from '../core/problem.ts'
import type { KvRows } from '../core/settings-status.ts'
import type { Logger } from '../telemetry/logger.ts'
import { ExternalProbes } from './external-probes.ts'
import type { ServiceTls } from './probe-request.ts'
import { StatusKeeper } from './status-keeper.ts'

export interface ExternalBookOptions {
  readonly writer: KvWriter
  readonly log: Logger
  /** Does this operator tell KV what is refused (the leader)? Every one probes: who begins to lead knows what is healthy. */
  readonly isActive: () => boolean
  /** How Kong speaks TLS to a service. */
  readonly tlsOf: (service: string) => ServiceTls
  /** The catalog with the external services, whenever either is another. */
  readonly onChange: (change: CatalogChange) => void
  /** The first probe of the service is over: it is `isUnknown` no longer. */
  readonly onKnown: (service: string) => void
}

/** External services of KV as services of the catalog, and their health where they ask for a probe. */
export class ExternalBook {
  readonly #options: ExternalBookOptions
  readonly #statuses: StatusKeeper
  readonly #probes: ExternalProbes
  #rows: KvRows = new Map()
  #accepted: AcceptedExternals | null = null
  /** What Consul said last. */
  #catalog: CatalogChange | null = null
  #instances: ReadonlyMap<string, readonly Instance[]> = new Map()
  #conflicts: readonly string[] = []

  constructor(options: ExternalBookOptions) {
    this.#options = options
    this.#statuses = new StatusKeeper({ ...options, keyOf: externalStatusKey })
    this.#probes = new ExternalProbes({
      isNeeded: (name) => !this.#conflicts.includes(name),
      tlsOf: options.tlsOf,
      onChange: (name) => {
        this.#renew([name], 'probe')
        options.onKnown(name)
      },
    })
  }

  /** The catalog changed. */
  setCatalog(change: CatalogChange): void {
    this.#catalog = change
    this.#tell(change)
  }

  /** What KV holds now: before the documents of the same answer. */
  setRows(rows: KvRows): void {
    this.#rows = rows
    this.#statuses.setRows(rows)
  }

  setDocuments(documents: ReadonlyMap<string, string>): void {
    const before = this.#accepted
    const accepted = acceptExternals(before, documents, this.#rows)
    this.#accepted = accepted
    this.#statuses.setRefused(accepted.refused)
    const names = [...new Set([...(before?.services.keys() ?? []), ...accepted.services.keys()])]
    const changed = names.filter((name) => before?.services.get(name) !== accepted.services.get(name))
    for (const [key, { errors }] of accepted.refused) {
      const isTold = before?.refused.get(key)?.errors.join() === errors.join()
      const what = { code: 'EXTERNAL_INVALID', document: key, reason: errors.join('; ') }
      if (!isTold) this.#options.log.warn('an external service is refused: the last good one stays', what)
    }
    this.#probes.setServices(accepted.services)
    if (changed.length > 0) this.#renew(changed, 'mesh/external')
  }

  problems(): readonly Problem[] {
    const refused = [...(this.#accepted?.refused ?? [])].map(([key, { errors, lastGood }]): Problem => {
      const rest = lastGood === null ? 'the document is not used' : 'the last good document stays'
      const message = `KV ${key}: ${errors.join('; ')}; ${rest}`
      return {
        code: 'EXTERNAL_INVALID',
        severity: 'error',
        service: key.slice(externalKey('').length),
        message,
      }
    })
    const conflicts = this.#conflicts.map((service): Problem => {
      const message = `KV ${externalKey(service)} is not used: the catalog has a service of that name; give one of them another name`
      return { code: 'EXTERNAL_CONFLICT', severity: 'error', service, message }
    })
    return [...refused, ...conflicts]
  }

  /** Nobody knows yet which places are healthy: what Kong holds of the service is to stay. */
  isUnknown(service: string): boolean {
    return this.#probes.isUnknown(service) && !this.#conflicts.includes(service)
  }

  /** Tells KV again what is refused, if this operator may; another one may lead now. */
  review(): void {
    this.#statuses.review()
  }

  stop(): void {
    this.#probes.stop()
  }

  #renew(names: readonly string[], why: string): void {
    const instances = new Map(this.#instances)
    for (const name of names) {
      const service = this.#accepted?.services.get(name)
      if (service === undefined) instances.delete(name)
      else instances.set(name, externalInstances(name, service, this.#probes.found(name)))
    }
    this.#instances = instances
    if (this.#catalog === null) return
    const reasons = new Map(names.map((name) => [name, [why]]))
    this.#tell({ ...this.#catalog, changed: names, reasons, changedAtMs: Date.now(), isReset: false })
  }

  #tell(change: CatalogChange): void {
    const { snapshot, conflicts } = withExternals(change.snapshot, this.#instances)
    this.#conflicts = conflicts
    this.#options.onChange({ ...change, snapshot })
  }
}
