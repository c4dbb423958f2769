import type { ExternalPlace, ExternalService } from '../core/external/external-document.ts'
import { type Probed, placeKey } from '../core/external/external-instances.ts'
import { type ProbeTls, publicTls, type ServiceTls, statusOf } from './probe-request.ts'

export interface ExternalProbesOptions {
  /** Is the service to be asked? Where it is not every place counts as healthy. */
  readonly isNeeded: (name: string) => boolean
  readonly tlsOf: (name: string) => ServiceTls
  /** A place of the service is otherwise than before, or the first probe is over. */
  readonly onChange: (name: string) => void
}

interface Watched {
  readonly service: ExternalService
  readonly timer: NodeJS.Timeout
  found: ReadonlyMap<string, Probed> | null
  isProbing: boolean
}

/** Asks external services for their health by HTTP, as Consul would: 2xx passes, 429 warns, all else is critical. */
export class ExternalProbes {
  readonly #options: ExternalProbesOptions
  readonly #watched = new Map<string, Watched>()
  readonly #ending = new AbortController()

  constructor(options: ExternalProbesOptions) {
    this.#options = options
  }

  /** By name; the same object is the same service. */
  setServices(services: ReadonlyMap<string, ExternalService>): void {
    for (const [name, { service, timer }] of this.#watched) {
      if (services.get(name) === service) continue
      clearInterval(timer)
      this.#watched.delete(name)
    }
    for (const [name, service] of services) {
      const { check } = service
      if (check === null || this.#watched.has(name)) continue
      const timer = setInterval(() => void this.#probe(name), check.intervalSeconds * 1_000)
      timer.unref()
      this.#watched.set(name, { service, timer, found: null, isProbing: false })
      // Settings and certificates of the same answer of Consul are taken first.
      queueMicrotask(() => void this.#probe(name))
    }
  }

  /** What was found last, by place; empty before the first probe is over. */
  found(name: string): ReadonlyMap<string, Probed> {
    return this.#watched.get(name)?.found ?? new Map()
  }

  /** Is the first probe of the service not over? */
  isUnknown(name: string): boolean {
    return this.#watched.get(name)?.found === null
  }

  stop(): void {
    this.#ending.abort()
    for (const { timer } of this.#watched.values()) clearInterval(timer)
    this.#watched.clear()
  }

  async #probe(name: string): Promise<void> {
    const watched = this.#watched.get(name)
    if (watched === undefined || watched.isProbing) return
    watched.isProbing = true
    try {
      const found = this.#options.isNeeded(name)
        ? await this.#ask(name, watched.service)
        : new Map<string, Probed>()
      if (this.#watched.get(name) !== watched) return
      if (watched.found !== null && isSame(watched.found, found)) return
      watched.found = found
      this.#options.onChange(name)
    } finally {
      watched.isProbing = false
    }
  }

  async #ask(
    name: string,
    { protocol, places, check }: ExternalService,
  ): Promise<ReadonlyMap<string, Probed>> {
    const { http, timeoutMs } = check!
    const scheme = protocol === 'https' || protocol === 'grpcs' ? 'https' : 'http'
    const byUrl = new Map<string, Promise<Probed>>()
    const own = this.#options.tlsOf(name)
    const isPlace = http.startsWith('/')
    if (isPlace && scheme === 'https' && own.missing.length > 0) {
      const reason = `GET ${http}: ${own.missing.join(' and ')} is not there`
      return new Map(places.map((place) => [placeKey(place), { status: 'critical', reason }]))
    }
    // A URL of its own is not the service: nothing is shown there, and it is checked as any client does.
    const spoken = isPlace ? own : publicTls(own.ca)
    const asked = places.map(async (place) => {
      const url = isPlace ? `${scheme}://${authorityOf(place)}${http}` : http
      const answer = byUrl.get(url) ?? this.#get(url, spoken, timeoutMs)
      byUrl.set(url, answer)
      return [placeKey(place), await answer] as const
    })
    return new Map(await Promise.all(asked))
  }

  async #get(url: string, tls: ProbeTls, timeoutMs: number): Promise<Probed> {
    const what = `GET ${url}`
    try {
      const signal = AbortSignal.any([this.#ending.signal, AbortSignal.timeout(timeoutMs)])
      const status = await statusOf(url, tls, signal)
      const level = status >= 200 && status < 300 ? 'passing' : status === 429 ? 'warning' : 'critical'
      return { status: level, reason: `${what}: ${status}` }
    } catch (error) {
      const { message, name } = error as Error
      const why = name === 'TimeoutError' ? `no answer within ${timeoutMs} ms` : message
      return { status: 'critical', reason: `${what}: ${why}` }
    }
  }
}

/** As a part of a URL, where an IPv6 address stands in brackets. */
const authorityOf = ({ host, port }: ExternalPlace): string =>
  `${host.includes(':') ? `[${host.replace(/^\[|\]$/g, '')}]` : host}:${port}`

const isSame = (one: ReadonlyMap<string, Probed>, other: ReadonlyMap<string, Probed>): boolean =>
  one.size === other.size &&
  [...one].every(([key, { status, reason }]) => {
    const now = other.get(key)
    return now?.status === status && now.reason === reason
  })
