import { isIP } from 'node:net'

const LOOPBACK = new Set(['localhost', '127.0.0.1', '::1'])

/**
 * A server bound to loopback answers to loopback names only, and to those it was given: a page in a browser that had
 * its own name point to 127.0.0.1 (DNS rebinding) still sends that name. Bound elsewhere, names are the network's
 * business unless some were given; an address is never a name that somebody could point elsewhere.
 */
export function isAllowedHost(
  boundTo: string,
  hostHeader: string | undefined,
  names: readonly string[] = [],
): boolean {
  if (!isLoopback(boundTo) && names.length === 0) return true
  if (hostHeader === undefined) return false
  const host = hostOf(hostHeader).toLowerCase()
  if (isLoopback(host) || names.some((name) => name.toLowerCase() === host)) return true
  return !isLoopback(boundTo) && isIP(host) !== 0
}

export function isLoopback(host: string): boolean {
  const name = host.toLowerCase()
  return LOOPBACK.has(name) || (isIP(name) === 4 && name.startsWith('127.'))
}

function hostOf(header: string): string {
  const bracketed = /^\[([^\]]*)\](?::\d+)?$/.exec(header)
  return bracketed ? bracketed[1]! : header.replace(/:\d+$/, '')
}
