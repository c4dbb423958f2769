import type { Callers } from '../../../operator/core/intentions/join-access.ts'
import { Decision } from '../../../operator/sync/decision.ts'
import { KongMirror } from '../../../operator/sync/kong-mirror.ts'
import { silentLogger } from '../../../operator/telemetry/logger.ts'
import { OPTIONS } from '../core/build-mesh.ts'

/** Of a Kong that holds nothing and has loaded no plugin. */
export const newDecision = (callers?: Callers): Decision =>
  new Decision({
    log: silentLogger,
    mesh: OPTIONS,
    policy: 'keep',
    mirror: new KongMirror(),
    plugins: () => [],
    verdictOf: () => [],
    ejections: () => [],
    callers: () => callers,
    onDue: () => {},
    onHolds: () => {},
  })
