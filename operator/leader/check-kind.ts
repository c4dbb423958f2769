/** `http`: Consul asks our /healthz; `ttl`: we report to Consul ourselves. */
export type CheckKind = 'http' | 'ttl'

/**
 * How Consul can learn that this operator lives. `http` needs an address that the agent reaches: a wildcard never
 * is one, and a loopback address only for an agent on this machine.
 * @param advertise host:port or a URL of our HTTP API
 */
export function checkKind(advertise: string | null, consulUrl: string): CheckKind {
  if (advertise === null) return 'ttl'
  const host = hostOf(healthUrl(advertise))
  if (host === '0.0.0.0' || host === '::') return 'ttl'
  return isLoopback(host) && !isLoopback(hostOf(consulUrl)) ? 'ttl' : 'http'
}

/** The URL of /healthz below an advertised address. */
export function healthUrl(advertise: string): string {
  const base = /^https?:\/\//.test(advertise) ? advertise : `http://${advertise}`
  return `${base.replace(/\/+$/, '')}/healthz`
}

/** True for what `operator.advertise` may be: host:port or an http(s) URL. */
export function isAddress(text: string): boolean {
  return URL.canParse(healthUrl(text))
}

/** Host and port for the service's registration. */
export function hostAndPort(advertise: string): { readonly host: string; readonly port: number } {
  const url = new URL(healthUrl(advertise))
  const port = url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port)
  return { host: hostOf(url.href), port }
}

/** True when a critical check failed before any HTTP answer: Consul does not reach the address. */
export function isUnreachable({
  status,
  output,
}: {
  readonly status: string
  readonly output: string
}): boolean {
  return status === 'critical' && !output.startsWith('HTTP GET ')
}

function hostOf(url: string): string {
  return new URL(url).hostname.replace(/^\[|\]$/g, '')
}

/** True for a host that means the machine itself. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\./.test(host)
}
