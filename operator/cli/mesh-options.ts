import type { MeshOptions } from '../core/desired.ts'
import type { OperatorConfig } from '../sync/operator-config.ts'

/** What deciding needs of the process's configuration. */
export function meshOptions({ mesh, hostSuffix, expose }: OperatorConfig): MeshOptions {
  return { mesh, hostSuffix, ...(expose === undefined ? {} : { exposeDefault: expose }) }
}
