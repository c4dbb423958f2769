/**
 * How one instance is named where more than its target matters: `web.test:80@10.0.0.1:80` is what a host name resolves to,
 * an instance that is registered by an address is its target. Targets and addresses hold no `@`.
 */

import { normalTarget } from './target-address.ts'

/** Where Kong finds an instance. */
export interface InstancePlace {
  /** `host:port` in Kong's form. */
  readonly target: string
  /** `ip:port` of a target that is a host name; null for all that it is. */
  readonly address: string | null
}

export const instanceKey = (target: string, address: string | null): string =>
  address === null ? target : `${target}@${address}`

export function placeOf(instance: string): InstancePlace {
  const at = instance.indexOf('@')
  return at < 0
    ? { target: instance, address: null }
    : { target: instance.slice(0, at), address: instance.slice(at + 1) }
}

/** Kong 3.9 finds no IPv6 address again that it is to mark: a name that has any is marked as a whole. */
export const canBeMarked = (addresses: readonly string[]): boolean =>
  addresses.every((each) => !each.startsWith('['))

/** The same, written by anybody, in Kong's form. */
export function normalInstance(instance: string): string {
  const { target, address } = placeOf(instance)
  return instanceKey(normalTarget(target), address === null ? null : normalTarget(address))
}

/** Whether a target's host is a name and not an address. */
export const isNamed = (target: string): boolean => !target.startsWith('[') && !/^[\d.]+:\d+$/.test(target)
