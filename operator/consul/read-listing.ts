import { ConsulError, type ConsulErrorCode } from './consul-error.ts'
import type { ConsulReader } from './consul-reader.ts'
import { inParallel } from './in-parallel.ts'
import type { RawNodeDump } from './raw-rows.ts'
import type { Listed } from './service-table.ts'

/** Up to here a documented read per node is as cheap as anything else. */
const FEW_NODES = 1

export interface Listing {
  readonly listed: readonly Listed[]
  /** The same with addresses and checks; null where they were not listed. */
  readonly dumped: readonly RawNodeDump[] | null
  /** The listing shows every change up to this index. */
  readonly index: bigint
  /** False once the one read for all nodes was refused: it is not tried again. */
  readonly mayDump: boolean
}

interface ListingOptions {
  readonly nodes: readonly string[]
  readonly parallel: number
  readonly signal: AbortSignal
  readonly mayDump: boolean
}

/**
 * Lists all instances with their ModifyIndex in few reads: in the one read that Consul's UI uses; node by node where
 * there are few, and where that read is refused.
 * @returns null where neither is possible: read every service instead.
 * @throws ConsulError
 */
export async function readListing(reader: ConsulReader, options: ListingOptions): Promise<Listing | null> {
  const { nodes, signal } = options
  const isFew = nodes.length > 0 && nodes.length <= FEW_NODES
  if (options.mayDump && !isFew) {
    const dump = await readDump(reader, signal)
    if (dump !== null) return dump
  }
  return nodes.length === 0 ? null : await readNodes(reader, options)
}

/** @returns null when Consul does not answer this question, or not to us. */
async function readDump(reader: ConsulReader, signal: AbortSignal): Promise<Listing | null> {
  try {
    const { body, index } = await reader.dump({ signal })
    if (!Array.isArray(body)) return null
    const listed = body.map((node) => ({ node: node.Node, services: node.Services ?? [] }))
    return { listed, dumped: body, index, mayDump: true }
  } catch (error) {
    const isRefused = error instanceof ConsulError && REFUSALS.has(error.code)
    if (isRefused) return null
    throw error
  }
}

async function readNodes(
  reader: ConsulReader,
  { nodes, parallel, signal, mayDump }: ListingOptions,
): Promise<Listing> {
  const answers = await inParallel(nodes, parallel, (node) => reader.nodeServices(node, { signal }))
  const listed = answers.map(({ body }, at) => ({
    node: nodes[at]!,
    services: Object.values(body?.Services ?? {}),
  }))
  const index = lowest(answers.map((answer) => answer.index))
  return { listed, dumped: null, index, mayDump: mayDump && nodes.length <= FEW_NODES }
}

const REFUSALS: ReadonlySet<ConsulErrorCode> = new Set(['CONSUL_REFUSED', 'CONSUL_DENIED'])

function lowest(indexes: readonly bigint[]): bigint {
  let lowest = indexes[0] ?? 0n
  for (const index of indexes) if (index < lowest) lowest = index
  return lowest
}
