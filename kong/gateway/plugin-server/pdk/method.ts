import type { GatewayLog } from '../../gateway-log.ts'
import type { Exit } from '../../plugins-runtime/plugin.ts'
import type { TrustedProxies } from '../../proxy/client-ip.ts'
import type { RequestContext } from '../../proxy/request-context.ts'
import type { Store } from '../../store.ts'
import type { Packable } from '../message-pack.ts'
import type { Unpacked } from '../message-unpack.ts'

export type Phase = 'access' | 'log'

/** What PDK methods need besides the request. */
export interface PdkWorld {
  readonly store: Store
  readonly trusted: TrustedProxies
  readonly nodeId: string
  readonly log: GatewayLog
}

export interface PdkCall {
  readonly world: PdkWorld
  readonly context: RequestContext
  readonly phase: Phase
  readonly args: readonly Unpacked[]
}

/** A method of Kong's plugin development kit. Undefined is nil. */
export interface PdkMethod {
  readonly phases: ReadonlySet<Phase>
  run(call: PdkCall): Packable | Exited | undefined | Promise<Packable | undefined>
}

/** The call ended the request. */
export class Exited {
  readonly exit: Exit

  constructor(exit: Exit) {
    this.exit = exit
  }
}

/** Kong throws: the handler ends there and the request gets a 500. */
export class PdkError extends Error {}

type Run = PdkMethod['run']

/**
 * In the log phase Kong runs plugins after the request is gone, so only what it has saved can be asked for.
 * Source: kong/runloop/plugin_servers/plugin.lua (exposed_api).
 */
export const always = (run: Run): PdkMethod => ({ phases: new Set(['access', 'log']), run })
export const inAccess = (run: Run): PdkMethod => ({ phases: new Set(['access']), run })
/** Known, but callable in no phase that is run here. */
export const never = (): PdkMethod => ({ phases: new Set(), run: () => undefined })
export const inLog = (run: Run): PdkMethod => ({ phases: new Set(['log']), run })
