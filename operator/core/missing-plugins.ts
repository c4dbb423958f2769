/** What it means that a Kong lacks plugins of kongsul, and what is not written there. */

import type { Change } from './diff.ts'
import type { Problem } from './problem.ts'
import { MESH_PLUGINS, type MeshPlugin, type OutcomeWay, wantedPlugins } from './service-plugins.ts'

export const howToLoad = (outcomes?: OutcomeWay): string => {
  const setting = outcomes === 'observer' ? ' (with KONGSUL_KONG_OUTCOMES=observer)' : ''
  return `run "kongsul plugins" beside Kong, and start Kong with what "kongsul plugins --print-kong-env"${setting} prints (docs/operating.md)`
}

/** Those that services are to have and this Kong has not loaded. */
export const missingFrom = (loaded: readonly MeshPlugin[], outcomes?: OutcomeWay): readonly MeshPlugin[] =>
  wantedPlugins(outcomes).filter((name) => !loaded.includes(name))

/** One for the mesh; none where all that are wanted are loaded. */
export function missingPlugins(loaded: readonly MeshPlugin[], outcomes?: OutcomeWay): readonly Problem[] {
  const missing = missingFrom(loaded, outcomes)
  if (missing.length === 0) return []
  const names = missing.join(' and ')
  return [
    {
      code: 'PLUGINS_MISSING',
      severity: 'info',
      service: '',
      message: `Kong has not loaded ${names}: services go without, all else works; ${howToLoad(outcomes)}`,
    },
  ]
}

/** Kong can neither write nor remove an entity of a plugin that it has not loaded. */
export function isUnwritable({ entity }: Pick<Change, 'entity'>, loaded: readonly MeshPlugin[]): boolean {
  if (entity.kind !== 'plugin') return false
  const name = MESH_PLUGINS.find((each) => each === entity.name)
  return name !== undefined && !loaded.includes(name)
}
