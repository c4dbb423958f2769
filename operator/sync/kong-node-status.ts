import type { NodeKind } from '../core/kong-nodes.ts'
import type { Problem } from '../core/problem.ts'
import type { StandbyProblem } from '../kong/standby-nodes.ts'
import type { Reconciler } from './reconciler.ts'

/** One Admin URL. */
export interface KongNodeStatus {
  readonly url: string
  /** null until a node has answered. */
  readonly kind: NodeKind | null
  /** False of a node of a database that another one is used for. */
  readonly isUsed: boolean
  readonly isConnected: boolean
  /** What is wrong with it; null for nothing, or while it was not asked yet. */
  readonly error: string | null
  /** It cannot be used as it is configured. */
  readonly isRefused: boolean
  /** Whether everything Consul said at the start was in it, or was tried. */
  readonly hasSynced: boolean
  /** Services that it lacks something of. */
  readonly pending: readonly string[]
}

type Source = Pick<Reconciler, 'kong' | 'connection' | 'hasSynced' | 'queue'>

/**
 * @param urls in the order of the configuration
 * @param found of nodes that are not in use, once they were looked at
 */
export function nodeStatuses(
  urls: readonly string[],
  reconcilers: readonly Source[],
  found: ReadonlyMap<string, StandbyProblem | null>,
): readonly KongNodeStatus[] {
  return urls.map((url) => {
    const source = reconcilers.find(({ kong }) => kong.admin.url === url)
    return source === undefined ? standby(url, found.get(url)) : inUse(url, source)
  })
}

function inUse(url: string, { kong, connection, hasSynced, queue }: Source): KongNodeStatus {
  const { isUp, error } = connection
  return {
    url,
    kind: kong.kind,
    isUsed: true,
    isConnected: isUp,
    error: isUp ? null : (error?.message ?? null),
    isRefused: !isUp && (error as { code?: string } | null)?.code === 'KONG_MIXED',
    hasSynced,
    pending: queue.pending(),
  }
}

const standby = (url: string, problem: StandbyProblem | null | undefined): KongNodeStatus => ({
  url,
  kind: 'database',
  isUsed: false,
  isConnected: problem === null,
  error: problem?.message ?? null,
  isRefused: problem?.isRefused ?? false,
  hasSynced: true,
  pending: [],
})

/**
 * Why the operator is not ready, as far as Kong is concerned. A node that is away holds up nothing as long as another
 * can be written to; one that answers has to have had its first sync.
 */
export function notReadyNodes(nodes: readonly KongNodeStatus[], isStandby: boolean): readonly string[] {
  const used = nodes.filter(({ isUsed }) => isUsed)
  const refused = nodes.filter(({ isRefused }) => isRefused)
  const away = used.filter(({ isConnected, isRefused }) => !isConnected && !isRefused)
  const told = away.length === used.length ? away : away.filter(({ error }) => error === null)
  const isSynced =
    used.some(({ hasSynced }) => hasSynced) &&
    used.every(({ hasSynced, isConnected }) => hasSynced || !isConnected)
  return [
    ...[...refused, ...told].map(({ error }) => `Kong: ${error ?? 'not read yet'}`),
    ...(isSynced || isStandby ? [] : ['not synced yet']),
  ]
}

/** Why Kong cannot be reached; null while every node in use can. */
export function kongFault(nodes: readonly KongNodeStatus[]): string | null {
  const faults = nodes.filter(({ isUsed, isConnected }) => isUsed && !isConnected)
  return faults.length === 0 ? null : faults.map(({ error }) => error ?? 'not read yet').join('; ')
}

/** What is wrong with single nodes, where there are several. */
export function nodeProblems(nodes: readonly KongNodeStatus[]): readonly Problem[] {
  if (nodes.length === 1) return []
  return nodes.flatMap(({ url, error, isRefused }) => {
    if (error === null) return []
    const code = isRefused ? 'KONG_NODE_REFUSED' : 'KONG_NODE_AWAY'
    const message = error.includes(url) ? error : `Kong at ${url}: ${error}`
    return [{ code, severity: isRefused ? 'error' : 'warning', service: '', message } as const]
  })
}
