/** Lists of addresses and CIDR blocks. */

import { normalTarget } from '../target-address.ts'

interface Block {
  readonly family: 4 | 6
  readonly bits: number
  readonly value: bigint
}

/**
 * Blocks that are in both lists: of two blocks one lies within the other, or they have nothing in common. What cannot be
 * read is in neither.
 */
export function commonBlocks(left: readonly string[], right: readonly string[]): readonly string[] {
  const common = new Set<string>()
  for (const one of left) {
    for (const other of right) {
      if (isWithin(one, other)) common.add(one)
      else if (isWithin(other, one)) common.add(other)
    }
  }
  return [...common].sort()
}

export function isWithin(inner: string, outer: string): boolean {
  const [small, large] = [blockOf(inner), blockOf(outer)]
  if (small === null || large === null || small.family !== large.family || small.bits < large.bits)
    return false
  const rest = BigInt((small.family === 4 ? 32 : 128) - large.bits)
  return small.value >> rest === large.value >> rest
}

function blockOf(text: string): Block | null {
  const [address = '', size] = text.split('/')
  const normal = normalTarget(`[${address}]:1`)
  const isV6 = address.includes(':')
  const hex = isV6 ? /^\[([0-9a-f:]{39})\]:1$/.exec(normal)?.[1]?.replaceAll(':', '') : hexOfIpv4(address)
  if (hex === undefined) return null
  const most = isV6 ? 128 : 32
  const bits = size === undefined ? most : Number(size)
  return bits > most ? null : { family: isV6 ? 6 : 4, bits, value: BigInt(`0x${hex}`) }
}

function hexOfIpv4(address: string): string | undefined {
  const parts = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(address)?.slice(1).map(Number)
  if (!parts?.every((part) => part <= 255)) return undefined
  return parts.map((part) => part.toString(16).padStart(2, '0')).join('')
}
