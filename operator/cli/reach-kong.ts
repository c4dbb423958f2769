import { judgeNodes, type NodeKind, type NodeProbe } from '../core/kong-nodes.ts'
import { adminUrls } from '../kong/admin-urls.ts'
import { KongAdmin } from '../kong/kong-admin.ts'
import { probeNode } from '../kong/probe-node.ts'
import type { KongConfig } from '../sync/operator-config.ts'
import { createMetrics } from '../telemetry/metrics.ts'
import { CliError } from './cli-error.ts'

/** Kong as a command uses it: directly, without the operator. */
export interface ReachedKong {
  readonly kind: NodeKind
  /** One for a database, one for each node without that answers. To be closed. */
  readonly admins: readonly [KongAdmin, ...KongAdmin[]]
  /** Every Admin URL. */
  readonly probes: readonly NodeProbe[]
}

/**
 * Finds out what the Admin URLs are and which to use.
 * @throws CliError when they do not go together; KongError when none answers
 */
export async function reachKong(config: KongConfig): Promise<ReachedKong> {
  const admins = adminUrls(config).map(
    (adminUrl) => new KongAdmin({ ...config, adminUrl }, createMetrics('')),
  )
  const probes = await Promise.all(admins.map(probeNode))
  const verdict = judgeNodes(probes, admins[0]!.url)
  const answering = new Set(probes.filter(({ kind }) => kind !== null).map(({ url }) => url))
  const isUsed = ({ url }: KongAdmin) =>
    verdict.kind === 'dbless' ? answering.has(url) : 'use' in verdict && verdict.use === url
  const [first, ...rest] = admins.filter(isUsed)
  for (const admin of admins) if (!isUsed(admin)) admin.close()
  if (verdict.kind === 'silent') throw verdict.error
  if (verdict.kind === 'mixed') {
    throw new CliError('KONG_MIXED', {
      tried: `reading ${config.adminUrl}`,
      answer: verdict.message,
      remedy: 'give only nodes that go together in KONG_ADMIN_URL',
    })
  }
  return { kind: verdict.kind, admins: [first!, ...rest], probes }
}
