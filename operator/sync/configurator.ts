import {
  CONFIGURABLE,
  type Configurable,
  changesOf,
  effectiveValues,
  faultsOf,
  type Given,
  type Parameter,
} from '../api/configure.ts'
import { type Configuration, configuration } from '../api/explain-settings.ts'
import type { ConsulReader } from '../consul/consul-reader.ts'
import type { KvWriter } from '../consul/kv-writer.ts'
import type { CatalogSnapshot } from '../core/catalog.ts'
import type { Change } from '../core/diff.ts'
import type { Json } from '../core/entity.ts'
import type { Problem } from '../core/problem.ts'
import { type AcceptedSettings, acceptSettings } from '../core/settings.ts'
import type { Layer } from '../core/settings-document.ts'
import { RequestError } from '../http/request-error.ts'
import { unknownService } from '../http/unknown-service.ts'
import {
  type EditedSettings,
  editSettings,
  previewSettings,
  SETTINGS_OF_ALL,
  settingsKey,
} from './edit-settings.ts'
import { type ListedChanges, listedChanges } from './listed-changes.ts'

export interface ConfiguratorOptions {
  readonly reader: ConsulReader
  readonly writer: KvWriter
  readonly snapshot: () => CatalogSnapshot | null
  readonly settings: () => AcceptedSettings | null
  readonly problems: () => readonly Problem[]
  /** What would be written to Kong with this text of a document; null until everything is known. */
  readonly changesWith: (key: string, text: string) => readonly Change[] | null
  /** Why this text of a document would be refused although it validates; Kong is asked. */
  readonly faultsOf: (key: string, text: string) => Promise<readonly string[]>
}

/** What a change of settings would do. */
export interface ConfigurePreview extends ListedChanges {
  /** Values in force then. */
  readonly effective: Record<string, Json>
}

/** Writes settings into Consul's KV, from where every operator takes them, and says what is in force. */
export class Configurator {
  readonly #options: ConfiguratorOptions

  constructor(options: ConfiguratorOptions) {
    this.#options = options
  }

  /**
   * Merges the given parameters into the document of a service, or of all (null).
   * @returns the values in force then, also of those that were not given
   * @throws RequestError 422 naming the parameter, 409; ConsulError
   */
  async configure(what: Configurable, service: string | null, given: Given): Promise<Record<string, Json>> {
    const { parameters, key, changes } = editOf(what, service, given)
    if (JUDGED.has(what)) await this.#requireGood(key, changes, parameters)
    const result = await editSettings(this.#options, key, changes)
    return await this.#effectiveWith(parameters, service, textOf(parameters, result))
  }

  /**
   * What `configure` would do; nothing is written.
   * @throws as configure, and RequestError 503 before everything was read
   */
  async preview(what: Configurable, service: string | null, given: Given): Promise<ConfigurePreview> {
    const { parameters, key, changes } = editOf(what, service, given)
    const text = await this.#requireGood(key, changes, parameters)
    const inKong = this.#options.changesWith(key, text)
    if (inKong === null) throw new RequestError(503, 'Consul and Kong have not been read yet')
    return { effective: await this.#effectiveWith(parameters, service, text), ...listedChanges(inKong) }
  }

  /**
   * What would be refused once it stands in KV is not written; Kong is asked.
   * @returns the document as it would be
   * @throws RequestError 422 naming the parameter
   */
  async #requireGood(
    key: string,
    changes: Parameters<typeof editSettings>[2],
    parameters: readonly Parameter[],
  ): Promise<string> {
    const text = textOf(parameters, await previewSettings(this.#options.reader, key, changes))
    const errors = await this.#options.faultsOf(key, text)
    return textOf(parameters, errors.length === 0 ? { text } : { errors })
  }

  async #effectiveWith(
    parameters: readonly Parameter[],
    service: string | null,
    text: string,
  ): Promise<Record<string, Json>> {
    const accepted = await this.#acceptedWith(keyOf(service), text)
    if (service === null) return effectiveValues(parameters, accepted.mesh.settings)
    // A list of its own: what is remembered by the list belongs to the reconciler.
    const instances = [...(this.#options.snapshot()?.services.get(service) ?? [])]
    return effectiveValues(parameters, accepted.forService(service, instances).settings)
  }

  /**
   * null until Consul has been read.
   * @throws RequestError 404 for a service that is not in the catalog
   */
  effective(service: string | null): Configuration | null {
    const [settings, snapshot] = [this.#options.settings(), this.#options.snapshot()]
    if (settings === null || snapshot === null) return null
    if (service !== null && !snapshot.services.has(service)) {
      throw unknownService(service, snapshot.services.keys())
    }
    const refused = this.#options.problems().filter(({ code }) => code === 'SETTING_INVALID')
    return configuration(
      settings,
      snapshot,
      refused.map((each) => ({ service: each.service, message: each.message })),
      service,
    )
  }

  /** The documents as they are now, the one just written among them. */
  async #acceptedWith(key: string, text: string): Promise<AcceptedSettings> {
    const documents = new Map<string, string>()
    if (key !== SETTINGS_OF_ALL) {
      const { body } = await this.#options.reader.keys(SETTINGS_OF_ALL, { stale: false })
      const row = body.find((each) => each.Key === SETTINGS_OF_ALL)
      if (row !== undefined) documents.set(row.Key, row.Value ?? '')
    }
    documents.set(key, text)
    return acceptSettings(this.#options.settings(), documents).accepted
  }
}

/** Settings of which more is to be known than whether they validate. */
const JUDGED: ReadonlySet<Configurable> = new Set<Configurable>(['rate-limit', 'faults'])

const keyOf = (service: string | null): string => (service === null ? SETTINGS_OF_ALL : settingsKey(service))

function editOf(what: Configurable, service: string | null, given: Given) {
  const parameters: readonly Parameter[] = CONFIGURABLE[what]
  const changes = (layer: Layer) => changesOf(parameters, given, layer)
  return { parameters, key: keyOf(service), changes }
}

/** @throws RequestError 422 naming each parameter that is no good */
function textOf(parameters: readonly Parameter[], result: EditedSettings): string {
  if ('text' in result) return result.text
  const details = faultsOf(parameters, result.errors)
  const message = details.map(({ field, message: fault }) => `${field}: ${fault}`).join('; ')
  throw new RequestError(422, message, details)
}
