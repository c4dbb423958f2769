import type { CatalogSnapshot } from '../../core/catalog.ts'
import { type Finding, ok, problem } from './finding.ts'

/** Addresses that mean "this host" to whoever reads them, or nothing at all. */
const LOCAL = /^(localhost|127\.\d+\.\d+\.\d+|::1|\[::1\]|0\.0\.0\.0|::|\[::\])$/i

export interface Whereabouts {
  /** Host in the address of Kong's Admin API. */
  readonly kongHost: string
  /** Node of the Consul agent asked, and the host in its address. */
  readonly consulNode: string
  readonly consulHost: string
}

/**
 * Instances registered under an address that Kong, on its own host, cannot reach. Such an address is right only
 * where Kong, the Consul agent and the instance share one host. Pure.
 */
export function judgeAddresses(
  { services }: CatalogSnapshot,
  { kongHost, consulNode, consulHost }: Whereabouts,
): readonly Finding[] {
  const kongIsHere = LOCAL.test(kongHost)
  const isWrong = (node: string) => !(kongIsHere && LOCAL.test(consulHost) && node === consulNode)
  const unreachable = [...services]
    .filter(([name]) => name !== 'consul')
    .flatMap(([, instances]) => instances)
    .filter(({ address, node }) => LOCAL.test(address) && isWrong(node))
  if (unreachable.length === 0)
    return [ok('instances', 'no instance is registered under an address that Kong cannot reach')]
  const named = unreachable
    .slice(0, 5)
    .map(({ id, address, port, node }) => `${id} (${address}:${port}, node ${node})`)
  const more = unreachable.length > named.length ? ` and ${unreachable.length - named.length} more` : ''
  return [
    problem(
      'instances',
      `Kong at ${kongHost} cannot reach ${named.join(', ')}${more}: to Kong that address is its own host`,
      'register them with an address that Kong can reach: Address in the registration, or -advertise of the agent',
    ),
  ]
}
