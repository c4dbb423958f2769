/** What it means that a Kong lacks plugins of kongsul, and what is not written there. */

import type { Change } from './diff.ts'
import type { Problem } from './problem.ts'
import { MESH_PLUGINS, type MeshPlugin } from './service-plugins.ts'

export const HOW_TO_LOAD =
  'run "kongsul plugins" beside Kong, and start Kong with what "kongsul plugins --print-kong-env" prints (docs/operating.md)'

/** One for the mesh; none where all are loaded. */
export function missingPlugins(loaded: readonly MeshPlugin[]): readonly Problem[] {
  const missing = MESH_PLUGINS.filter((name) => !loaded.includes(name))
  if (missing.length === 0) return []
  const names = missing.join(' and ')
  return [
    {
      code: 'PLUGINS_MISSING',
      severity: 'info',
      service: '',
      message: `Kong has not loaded ${names}: services go without, all else works; ${HOW_TO_LOAD}`,
    },
  ]
}

/** Kong can neither write nor remove an entity of a plugin that it has not loaded. */
export function isUnwritable({ entity }: Pick<Change, 'entity'>, loaded: readonly MeshPlugin[]): boolean {
  if (entity.kind !== 'plugin') return false
  const name = MESH_PLUGINS.find((each) => each === entity.name)
  return name !== undefined && !loaded.includes(name)
}
