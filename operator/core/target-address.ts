/**
 * `host:port` of a target as Kong stores it: IPv6 in long form in brackets, IPv4 without leading zeros (kong/tools/ip.lua).
 * Kong keeps the case of host names; we write them in lower case, so that one instance is one target.
 */

export type Address =
  | { readonly ok: true; readonly target: string }
  | { readonly ok: false; readonly reason: string }

/** Host and port of an instance as a target of Kong, or why Kong would refuse it. */
export function targetOf(host: string, port: number): Address {
  if (!Number.isInteger(port) || port < 1 || port > 65535)
    return refused(`port ${port} is not one from 1 to 65535`)
  const bare = host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host
  const normal = normalHost(bare)
  if (normal === null) return refused(`${JSON.stringify(host)} is neither an IP address nor a host name`)
  return { ok: true, target: `${normal}:${port}` }
}

/** The normal form of a target written by anybody; without a port it gets Kong's 8000. Unreadable ones as they are. */
export function normalTarget(target: string): string {
  const bracketed = /^\[([^\]]*)\](?::(\d+))?$/.exec(target)
  const [host, port] = bracketed
    ? [bracketed[1]!, bracketed[2]]
    : target.split(':').length > 2
      ? [target, undefined]
      : (target.split(':') as [string, string | undefined])
  const normal = normalHost(host)
  return normal === null ? target : `${normal}:${port ?? KONG_DEFAULT_PORT}`
}

const KONG_DEFAULT_PORT = 8000

const refused = (reason: string): Address => ({ ok: false, reason })

/** Kong decides the kind of an address the same way: two colons make IPv6, digits and dots alone make IPv4. */
function normalHost(host: string): string | null {
  if (host.split(':').length > 2) return longIpv6(host)
  if (/^[\d.]+$/.test(host)) return shortIpv4(host)
  return isHostName(host) ? host.toLowerCase() : null
}

function shortIpv4(host: string): string | null {
  const parts = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(host)?.slice(1).map(Number)
  return parts?.every((part) => part <= 255) ? parts.join('.') : null
}

/** `::1` -> `[0000:0000:0000:0000:0000:0000:0000:0001]`. Zones (`%eth0`) and embedded IPv4 are refused, as Kong does. */
function longIpv6(host: string): string | null {
  const halves = host.split('::')
  if (halves.length > 2) return null
  const [left, right] = halves.map((half) => (half === '' ? [] : half.split(':')))
  const groups = right === undefined ? left! : [...left!, ...zeros(8 - left!.length - right.length), ...right]
  if (groups.length !== 8 || (right !== undefined && left!.length + right.length > 7)) return null
  if (!groups.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group))) return null
  return `[${groups.map((group) => group.toLowerCase().padStart(4, '0')).join(':')}]`
}

const zeros = (count: number): string[] => new Array<string>(Math.max(count, 0)).fill('0')

/** Kong's check_hostname: labels of letters, digits, `-` and `_`, none empty or ending in `-`; a dot may close it. */
function isHostName(host: string): boolean {
  if (host.length === 0 || host.length > 253) return false
  const labels = host.endsWith('.') ? host.slice(0, -1).split('.') : host.split('.')
  return labels.every((label) => /^[A-Za-z0-9_-]*[A-Za-z0-9_]$/.test(label))
}
