import dns from 'node:dns'

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
 * Host names to addresses, by the system's resolver (/etc/hosts first), remembered for some seconds. A name that
 * stops resolving keeps nothing: as in Kong its addresses go away.
 */
export class HostResolver {
  readonly #entries = new Map<string, Entry>()
  readonly #freshMs: number

  constructor(freshMs = 5_000) {
    this.#freshMs = freshMs
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
    const pending = lookUp(name).then((resolution) => {
      this.#entries.set(name, { resolution, expiresMs: Date.now() + this.#freshMs, pending: null })
      return resolution
    })
    this.#entries.set(name, { resolution: entry?.resolution ?? NAME_ERROR, expiresMs: 0, pending })
    return pending
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
