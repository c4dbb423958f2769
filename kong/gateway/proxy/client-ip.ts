import net from 'node:net'

/** Which peers may say who the client is. Kong: trusted_ips, real_ip_header, real_ip_recursive. */
export class TrustedProxies {
  readonly #list = new net.BlockList()
  readonly #trustsAll: boolean
  readonly isEmpty: boolean
  readonly #header: string
  readonly #recursive: boolean

  /** Throws for an entry that is no address or CIDR block. */
  constructor(entries: readonly string[], options: { readonly header: string; readonly recursive: boolean }) {
    this.isEmpty = entries.length === 0
    this.#trustsAll = entries.includes('0.0.0.0/0')
    this.#header = options.header.toLowerCase()
    this.#recursive = options.recursive
    for (const entry of entries) addBlock(this.#list, entry)
  }

  trusts(ip: string): boolean {
    if (this.isEmpty) return false
    if (this.#trustsAll && net.isIPv4(ip)) return true
    const family = net.isIP(ip)
    return family !== 0 && this.#list.check(ip, family === 6 ? 'ipv6' : 'ipv4')
  }

  /** The client behind trusted peers; the peer itself when it is not trusted or says nothing. */
  clientIp(peerIp: string, header: (name: string) => readonly string[] | undefined): string {
    if (!this.trusts(peerIp)) return peerIp
    const chain = (header(this.#header) ?? [])
      .join(',')
      .split(',')
      .map((entry) => stripPort(entry.trim()))
    let client = peerIp
    for (const entry of chain.reverse()) {
      if (net.isIP(entry) === 0) break
      client = entry
      if (!this.#recursive || !this.trusts(entry)) break
    }
    return client
  }
}

export function addBlock(list: net.BlockList, entry: string): void {
  const [address = '', bits] = entry.split('/')
  const family = net.isIP(address)
  if (family === 0) throw new Error(`not an address or CIDR block: ${entry}`)
  if (bits === undefined) list.addAddress(address, family === 6 ? 'ipv6' : 'ipv4')
  else list.addSubnet(address, Number(bits), family === 6 ? 'ipv6' : 'ipv4')
}

function stripPort(entry: string): string {
  const bracketed = /^\[([^\]]+)\](?::\d+)?$/.exec(entry)
  if (bracketed) return bracketed[1]!
  return /^[^:]+:\d+$/.test(entry) ? entry.slice(0, entry.indexOf(':')) : entry
}
