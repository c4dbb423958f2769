// The values that people give to fields in Kong.
import type { Kind, Row } from './kong-replica.ts'

/** Values that Consul never asks for; `slots` is a field that the operator does not manage. */
export const EDITS: Readonly<Record<Kind, (at: number) => [field: string, value: unknown][]>> = {
  service: (at) => [
    ['read_timeout', 7000 + at],
    ['retries', 40 + at],
    ['connect_timeout', 3000 + at],
  ],
  upstream: (at) => [
    ['healthchecks.passive.unhealthy.tcp_failures', 20 + at],
    ['algorithm', 'latency'],
    ['slots', 2000 + at],
  ],
  route: (at) => [
    ['preserve_host', true],
    ['hosts', [`edited${at}.example`]],
    ['methods', ['GET', 'PUT']],
  ],
  target: (at) => [['weight', 30 + at]],
  plugin: () => [],
}

export const PINNED: Readonly<Record<string, string>> = {
  service: 'retries',
  route: 'preserve_host',
  target: 'weight',
}

export function nested(field: string, value: unknown): Record<string, unknown> {
  return field.split('.').reduceRight<unknown>((inner, key) => ({ [key]: inner }), value) as Record<
    string,
    unknown
  >
}

export function merged(into: Row, from: Row): Row {
  const result = { ...into }
  for (const [key, value] of Object.entries(from)) {
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
    result[key] = isObject ? merged(into[key], value) : value
  }
  return result
}
