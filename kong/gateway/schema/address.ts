/**
 * Host names and addresses as Kong reads them: `name[:port]`, `1.2.3.4[:port]`, `::1`, `[::1][:port]`. What has two
 * colons is taken for IPv6, what has only digits and dots for IPv4, all else for a name.
 */

export type Address =
  | { readonly type: 'name' | 'ipv4' | 'ipv6'; readonly host: string; readonly port?: number }
  | { readonly type: 'invalid'; readonly error: string }

export const PORT_ERROR = 'invalid port number'

/** IPv6 comes out in its long form without brackets, IPv4 without leading zeros; a name stays as it is. */
export function parseAddress(text: string): Address {
  const colons = text.split(':').length - 1
  if (colons > 1) return parseIpv6(text)
  return /^[\d.]+$/.test(text.replaceAll(':', '')) ? parseIpv4(text) : parseName(text)
}

/** `host:port` as Kong stores a target; port 8000 unless one is given. Undefined for what is no address. */
export function formatTarget(text: string, defaultPort = 8000): string | undefined {
  const address = parseAddress(text)
  if (address.type === 'invalid') return undefined
  const host = address.type === 'ipv6' ? `[${address.host}]` : address.host
  return `${host}:${address.port ?? defaultPort}`
}

export const isIpv4 = (text: string): boolean =>
  /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/.test(text)

/** As inet_pton reads it; brackets around it are accepted. */
export function isIpv6(text: string): boolean {
  const bare = text.startsWith('[') && text.endsWith(']') ? text.slice(1, -1) : text
  const halves = bare.split('::')
  if (halves.length > 2) return false
  const groups = halves.flatMap((half) => (half === '' ? [] : half.split(':')))
  let count = groups.length
  const last = groups.at(-1)
  if (last?.includes('.')) {
    if (!isIpv4(last) || bare.endsWith('::')) return false
    groups.pop()
    count++
  }
  if (!groups.every((group) => /^[\da-f]{1,4}$/i.test(group))) return false
  return halves.length === 2 ? count <= 7 : count === 8
}

export const isIp = (text: string): boolean => isIpv4(text) || isIpv6(text)

export function isIpOrCidr(text: string): boolean {
  if (isIp(text)) return true
  const slash = text.indexOf('/', 2)
  if (slash < 0) return false
  const [ip, prefix] = [text.slice(0, slash), text.slice(slash + 1)]
  if (!/^(?:0|[1-9]\d{0,2})$/.test(prefix)) return false
  return isIpv4(ip) ? Number(prefix) <= 32 : isIpv6(ip) && Number(prefix) <= 128
}

const invalid = (error: string): Address => ({ type: 'invalid', error })

const withPort = (type: 'name' | 'ipv4' | 'ipv6', host: string, port: string | undefined): Address => {
  if (port === undefined) return { type, host }
  return Number(port) > 65535 ? invalid(PORT_ERROR) : { type, host, port: Number(port) }
}

function parseIpv4(text: string): Address {
  const found = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})(?::(\d+))?$/.exec(text)
  const numbers = found?.slice(1, 5).map(Number)
  if (!numbers || numbers.some((number) => number > 255)) return invalid(`invalid ipv4 address: ${text}`)
  return withPort('ipv4', numbers.join('.'), found?.[5])
}

function parseIpv6(text: string): Address {
  const bracketed = /^\[([^[\]]*)\](.*)$/s.exec(text)
  const rest = bracketed?.[2] ?? ''
  const port = /^:(\d*)$/.exec(rest)?.[1]
  if (rest !== '' && !port) return invalid('invalid ipv6 address')
  let groups = bracketed?.[1] ?? text
  if (groups.startsWith(':')) groups = `0${groups}`
  if (groups.endsWith(':')) groups = `${groups}0`
  if (groups.includes('::')) {
    const colons = groups.split(':').length - 1
    groups = groups.replace('::', `:${'0:'.repeat(Math.max(0, 8 - colons))}`)
  }
  const parts = groups.split(':')
  if (parts.length !== 8 || !parts.every((part) => /^[\da-f]{1,4}$/i.test(part))) {
    return invalid(`invalid ipv6 address: ${text}`)
  }
  return withPort(
    'ipv6',
    parts
      .map((part) => part.padStart(4, '0'))
      .join(':')
      .toLowerCase(),
    port,
  )
}

function parseName(text: string): Address {
  const port = /:(\d+)$/.exec(text)?.[1]
  if (port !== undefined && Number(port) > 65535) return invalid(PORT_ERROR)
  const name = port === undefined ? text : text.slice(0, -(port.length + 1))
  const labels = name.split('.')
  const isGood =
    /^[\dA-Za-z\-._]+$/.test(name) &&
    labels.every((label, index) => !label.endsWith('-') && (label !== '' || index === labels.length - 1))
  return isGood ? withPort('name', name, port) : invalid(`invalid hostname: ${text}`)
}
