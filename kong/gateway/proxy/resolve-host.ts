import dns from 'node:dns'
import { readFileSync } from 'node:fs'

export interface Resolution {
  /** IPv4, or IPv6 in brackets; empty when the name did not resolve. */
  readonly ips: readonly string[]
  /** 'A', 'AAAA', or Kong's words for the failure. */
  readonly dns: string
}

/** Kong's words; the health answers show them. */
export const NAME_ERROR: Resolution = { ips: [], dns: 'dns server error: 3 name error' }

interface Entry {
  resolution: Resolution
  expiresMs: number
  pending: Promise<Resolution> | null
}

/**
 * Host names to addresses, by the system's resolver (/etc/hosts first) or by given servers, remembered for some seconds, or
 * as long as the server says. A name that stops resolving keeps nothing: as in Kong its addresses go away.
 */
export class HostResolver {
  readonly #entries = new Map<string, Entry>()
  readonly #freshMs: number
  readonly #servers: dns.promises.Resolver | null

  /** @param servers `ip:port`; none: the system's */
  constructor(servers: readonly string[] = [], freshMs = 5_000) {
    this.#freshMs = freshMs
    this.#servers = servers.length === 0 ? null : new dns.promises.Resolver({ timeout: 2_000, tries: 2 })
    this.#servers?.setServers(servers)
  }

  /** What is known without waiting; undefined when the name was never asked for. */
  known(name: string): Resolution | undefined {
    return this.#entries.get(name)?.resolution
  }

  isFresh(name: string): boolean {
    return (this.#entries.get(name)?.expiresMs ?? 0) > Date.now()
  }

  resolve(name: string): Promise<Resolution> {
    const entry = this.#entries.get(name)
    if (entry?.pending) return entry.pending
    if (entry && entry.expiresMs > Date.now()) return Promise.resolve(entry.resolution)
    const pending = this.#lookUp(name).then(({ ttlMs = this.#freshMs, ...resolution }) => {
      this.#entries.set(name, { resolution, expiresMs: Date.now() + ttlMs, pending: null })
      return resolution
    })
    this.#entries.set(name, { resolution: entry?.resolution ?? NAME_ERROR, expiresMs: 0, pending })
    return pending
  }

  async #lookUp(name: string): Promise<Found> {
    // As Kong: the file comes first, and no server is asked for what is in it.
    return this.#servers === null || isInHostsFile(name) ? lookUp(name) : ask(this.#servers, name)
  }
}

interface Found extends Resolution {
  readonly ttlMs?: number
}

function isInHostsFile(name: string): boolean {
  try {
    return readFileSync('/etc/hosts', 'utf8')
      .split('\n')
      .some((line) => line.replace(/#.*/, '').trim().split(/\s+/).slice(1).includes(name))
  } catch {
    return false // none here
  }
}

async function ask(servers: dns.promises.Resolver, name: string): Promise<Found> {
  try {
    const found = await servers.resolve4(name, { ttl: true })
    const ttlMs = Math.min(...found.map(({ ttl }) => ttl)) * 1_000
    return { ips: [...new Set(found.map(({ address }) => address))].sort(), dns: 'A', ttlMs }
  } catch {
    const six = await servers.resolve6(name).catch(() => [])
    return six.length > 0
      ? { ips: [...new Set(six)].sort().map((each) => `[${each}]`), dns: 'AAAA' }
      : NAME_ERROR
  }
}

async function lookUp(name: string): Promise<Resolution> {
  // RFC 6761: never to be asked of a server, which could take seconds to say so.
  if (/(^|\.)invalid\.?$/i.test(name)) return NAME_ERROR
  try {
    const found = await dns.promises.lookup(name, { all: true })
    const four = found.filter((address) => address.family === 4).map((address) => address.address)
    if (four.length > 0) return { ips: [...new Set(four)].sort(), dns: 'A' }
    const six = found.map((address) => `[${address.address}]`)
    return six.length > 0 ? { ips: [...new Set(six)].sort(), dns: 'AAAA' } : NAME_ERROR
  } catch {
    return NAME_ERROR // whatever the resolver's reason, the name has no address now
  }
}
