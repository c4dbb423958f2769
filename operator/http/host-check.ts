import { isIP } from 'node:net'

const LOOPBACK = new Set(['localhost', '127.0.0.1', '::1'])

/**
 * A server bound to loopback answers to loopback names only: a page in a browser that had its own name point to
 * 127.0.0.1 (DNS rebinding) still sends that name. Bound elsewhere, names are the network's business.
 */
export function isAllowedHost(boundTo: string, hostHeader: string | undefined): boolean {
  if (!isLoopback(boundTo)) return true
  return hostHeader !== undefined && isLoopback(hostOf(hostHeader))
}

function isLoopback(host: string): boolean {
  const name = host.toLowerCase()
  return LOOPBACK.has(name) || (isIP(name) === 4 && name.startsWith('127.'))
}

function hostOf(header: string): string {
  const bracketed = /^\[([^\]]*)\](?::\d+)?$/.exec(header)
  return bracketed ? bracketed[1]! : header.replace(/:\d+$/, '')
}
