import type { PluginTools } from '../plugins-runtime/plugin.ts'
import type { PluginChains } from '../plugins-runtime/plugin-chain.ts'
import type { Router } from '../router/router.ts'
import type { Store } from '../store.ts'
import type { Balancers } from './balancers.ts'
import type { TrustedProxies } from './client-ip.ts'
import type { ConnectionPool } from './connection-pool.ts'
import type { RequestContext } from './request-context.ts'
import type { HostResolver } from './resolve-host.ts'

/** What requests need of the world, in one place. */
export interface DataPlane {
  readonly store: Store
  readonly router: Router
  readonly chains: PluginChains
  readonly tools: PluginTools
  readonly balancers: Balancers
  readonly resolver: HostResolver
  readonly pool: ConnectionPool
  readonly trusted: TrustedProxies
  /** Told of every request once its last byte went out, or its client went away. */
  readonly onFinished: (context: RequestContext) => void
  /** Told of what should not happen: the gateway's own mistakes, plugins that throw. */
  readonly onProblem: (error: unknown, context: RequestContext) => void
}
