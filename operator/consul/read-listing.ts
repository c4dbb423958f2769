import type { ConsulReader } from './consul-reader.ts'
import { inParallel } from './in-parallel.ts'
import type { Listed } from './service-table.ts'

/** Up to here a documented read per node is as cheap as anything else. */
const FEW_NODES = 1

export interface Listing {
  readonly listed: readonly Listed[]
  /** The listing shows every change up to this index. */
  readonly index: bigint
}

interface ListingOptions {
  readonly nodes: readonly string[]
  readonly parallel: number
  readonly signal: AbortSignal
}

/**
 * Lists all instances with their ModifyIndex in few reads: node by node where there are few, else in the one read
 * that Consul's UI uses.
 * @returns null where neither is possible: read every service instead.
 * @throws ConsulError
 */
export async function readListing(
  reader: ConsulReader,
  { nodes, parallel, signal }: ListingOptions,
): Promise<Listing | null> {
  if (nodes.length > 0 && nodes.length <= FEW_NODES) {
    const answers = await inParallel(nodes, parallel, (node) => reader.nodeServices(node, { signal }))
    const listed = answers.map(({ body }, at) => ({
      node: nodes[at]!,
      services: Object.values(body?.Services ?? {}),
    }))
    return { listed, index: lowest(answers.map((answer) => answer.index)) }
  }
  const { body, index } = await reader.dump({ signal })
  if (!Array.isArray(body)) return null
  return { listed: body.map((node) => ({ node: node.Node, services: node.Services ?? [] })), index }
}

function lowest(indexes: readonly bigint[]): bigint {
  let lowest = indexes[0] ?? 0n
  for (const index of indexes) if (index < lowest) lowest = index
  return lowest
}
