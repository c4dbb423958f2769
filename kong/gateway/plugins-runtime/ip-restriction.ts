import net from 'node:net'
import { addBlock } from '../proxy/client-ip.ts'
import { type Plugin, refuse } from './plugin.ts'

interface IpRestrictionConfig {
  readonly allow: readonly string[] | null
  readonly deny: readonly string[] | null
  readonly status: number | null
  readonly message: string | null
}

const lists = new WeakMap<readonly string[], net.BlockList>()

/** Refuses clients by address; a denied address is refused even when it is allowed too. */
export const ipRestriction: Plugin<IpRestrictionConfig> = {
  name: 'ip-restriction',
  priority: 990,
  access(context, { config }) {
    const { deny, allow } = config
    const isDenied = (deny?.length ?? 0) > 0 && contains(deny!, context.clientIp)
    const isOutside = (allow?.length ?? 0) > 0 && !contains(allow!, context.clientIp)
    if (!isDenied && !isOutside) return undefined
    return refuse(config.status ?? 403, config.message ?? `IP address not allowed: ${context.clientIp}`)
  },
}

function contains(entries: readonly string[], ip: string): boolean {
  let list = lists.get(entries)
  if (!list) {
    list = new net.BlockList()
    for (const entry of entries) addBlock(list, entry)
    lists.set(entries, list)
  }
  return net.isIP(ip) !== 0 && list.check(ip, net.isIPv6(ip) ? 'ipv6' : 'ipv4')
}
