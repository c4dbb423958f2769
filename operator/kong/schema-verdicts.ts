import { bodyFor } from '../core/kong-json.ts'
import type { PluginConfig } from '../core/plugin-settings/plugin-configs.ts'
import { sayRefusal } from '../core/plugin-settings/say-refusal.ts'
import type { KongAdmin } from './kong-admin.ts'
import { KongError } from './kong-error.ts'

/** More than most meshes have of different ones; what is asked for now is known however much it is. */
const MOST_KNOWN = 5_000

/**
 * What a Kong says to configurations of its plugins before they are written: POST /schemas/plugins/validate, once for each
 * that differs from all before.
 */
export class SchemaVerdicts {
  readonly #admin: Pick<KongAdmin, 'call'>
  readonly #known = new Map<string, readonly string[]>()
  /** Asked for by somebody, and not known. */
  readonly #wanted = new Map<string, PluginConfig>()
  /** Asked for since Kong was asked last, and before that. */
  #used = new Set<string>()
  #usedBefore: ReadonlySet<string> = new Set()
  #asking: Promise<boolean> | null = null

  constructor(admin: Pick<KongAdmin, 'call'>) {
    this.#admin = admin
  }

  /** null: Kong has not been asked, and is with the next `ask`. */
  readonly of = (config: PluginConfig): readonly string[] | null => {
    const key = JSON.stringify(config)
    const known = this.#known.get(key)
    this.#used.add(key)
    if (known === undefined) this.#wanted.set(key, config)
    return known ?? null
  }

  get isWaiting(): boolean {
    return this.#wanted.size > 0
  }

  /**
   * Asks Kong what is wanted.
   * @returns whether anything is known now that was not
   * @throws KongError when Kong does not say
   */
  async ask(): Promise<boolean> {
    this.#asking ??= this.#askAll().finally(() => {
      this.#asking = null
    })
    return await this.#asking
  }

  async #askAll(): Promise<boolean> {
    const wanted = [...this.#wanted]
    for (const [key, config] of wanted) {
      const said = await this.#askOne(config)
      this.#known.set(key, said)
      this.#wanted.delete(key)
    }
    if (this.#known.size > MOST_KNOWN) this.#forget()
    this.#usedBefore = this.#used
    this.#used = new Set()
    return wanted.length > 0
  }

  /** Nothing that the next judgement is likely to need: it would ask again, for ever. */
  #forget(): void {
    for (const key of this.#known.keys()) {
      if (!this.#used.has(key) && !this.#usedBefore.has(key)) this.#known.delete(key)
    }
  }

  async #askOne({ name, fields }: PluginConfig): Promise<readonly string[]> {
    const plugin = { kind: 'plugin', id: '', name, owner: '', parent: '', fields, tags: [] } as const
    const { id: _, tags: __, ...body } = bodyFor(plugin)
    try {
      await this.#admin.call('POST', ['schemas', 'plugins', 'validate'], body)
      return []
    } catch (error) {
      if (!(error instanceof KongError)) throw error
      if (error.code === 'KONG_REJECTED') {
        const { fields: said, message } = (error.body ?? {}) as { fields?: never; message?: string }
        return sayRefusal(name, said, message ?? error.message)
      }
      // A proxy before Kong that hides the path: the write itself will tell.
      if (error.code === 'KONG_NOT_FOUND' || error.code === 'KONG_DENIED') return []
      throw error
    }
  }
}
