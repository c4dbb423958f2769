import { isIP } from 'node:net'
import type { TlsConfig } from '../secrets/tls-options.ts'

/**
 * How TLS is spoken to the proxy at `url`. Without a name Node asks for, and expects, a certificate for what the Host header
 * says, which is a service's. An address is no name to ask for.
 */
export function proxyTls(url: string, tls: TlsConfig | undefined): TlsConfig {
  const host = new URL(url).hostname.replace(/^\[|\]$/g, '')
  return { ...tls, serverName: tls?.serverName ?? (isIP(host) === 0 ? host : '') }
}
