import type { Change } from '../core/diff.ts'
import { isUnwritable, missingPlugins } from '../core/missing-plugins.ts'
import type { Problem } from '../core/problem.ts'
import type { MeshPlugin, OutcomeWay } from '../core/service-plugins.ts'
import type { KongAdmin } from '../kong/kong-admin.ts'
import { KongError } from '../kong/kong-error.ts'
import { readMeshPlugins } from '../kong/read-plugins.ts'
import type { Logger } from '../telemetry/logger.ts'

/** Which plugins of kongsul a Kong has loaded, as it said last. None until it was asked. */
export class LoadedPlugins {
  readonly #admin: KongAdmin
  readonly #log: Logger
  readonly #outcomes: OutcomeWay | undefined
  #names: readonly MeshPlugin[] = []
  #isKnown = false
  #failure: string | null = null

  /** @param outcomes decides which are missed */
  constructor(admin: KongAdmin, log: Logger, outcomes?: OutcomeWay) {
    this.#admin = admin
    this.#log = log
    this.#outcomes = outcomes
  }

  get names(): readonly MeshPlugin[] {
    return this.#names
  }

  /**
   * Asks Kong. A Kong that answers anything else than yes or no (a proxy before it that forbids the path) leaves what
   * was known: entities must not come and go with it.
   * @returns whether it differs from before
   * @throws KongError when Kong cannot be reached
   */
  async read(): Promise<boolean> {
    try {
      const names = await readMeshPlugins(this.#admin)
      const isChanged = !this.#isKnown || names.join() !== this.#names.join()
      this.#names = names
      this.#isKnown = true
      this.#failure = null
      return isChanged
    } catch (error) {
      if (!(error instanceof KongError) || error.isConnection) throw error
      if (error.message !== this.#failure) {
        this.#log.warn('Kong does not say which plugins it has', { code: error.code, reason: error.message })
      }
      this.#failure = error.message
      return false
    }
  }

  problems(): readonly Problem[] {
    return this.#isKnown ? missingPlugins(this.#names, this.#outcomes) : []
  }

  /** Would Kong refuse this, whatever it says? */
  isUnwritable(change: Change): boolean {
    return isUnwritable(change, this.#names)
  }
}
