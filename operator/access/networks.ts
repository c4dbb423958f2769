import { BlockList, isIP } from 'node:net'

/** One or several networks, `10.0.0.0/8, fd00::/8`; an address alone is itself. Null for what is none. */
export function parseNetworks(text: string): BlockList | null {
  const networks = new BlockList()
  for (const each of text.split(',')) {
    const [, address = '', , bits] = /^([0-9A-Fa-f.:]+)(\/(\d{1,3}))?$/.exec(each.trim()) ?? []
    const family = isIP(address)
    const most = family === 4 ? 32 : 128
    const prefix = bits === undefined ? most : Number(bits)
    if (family === 0 || prefix > most) return null
    networks.addSubnet(address, prefix, family === 4 ? 'ipv4' : 'ipv6')
  }
  return networks
}

/** @param address as a socket has it, IPv4 within IPv6 too */
export function isWithin(networks: BlockList, address: string): boolean {
  const plain = address.replace(/^::ffff:/i, '')
  return networks.check(plain, isIP(plain) === 6 ? 'ipv6' : 'ipv4')
}

/**
 * The setting `access.legacy`: `token`, or `anonymous:` and networks.
 * @returns the networks, undefined where there are none; null for what is neither
 */
export function legacyNetworks(setting: string): { readonly networks: string | undefined } | null {
  if (setting === 'token') return { networks: undefined }
  const [, networks = ''] = /^anonymous:(.+)$/.exec(setting) ?? []
  return parseNetworks(networks) === null ? null : { networks }
}
