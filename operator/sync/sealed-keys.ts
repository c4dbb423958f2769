import type { ConsulReader } from '../consul/consul-reader.ts'
import { type Identity, SECRETS_PREFIX, secretKey } from '../core/intentions/identities.ts'
import type { Problem } from '../core/problem.ts'
import { seal, unseal } from '../secrets/seal.ts'

export interface SealedKeysOptions {
  readonly reader: Pick<ConsulReader, 'keys'>
  /** 32 bytes; null: keys of key-auth can be neither made nor opened. */
  readonly sealKey: Buffer | null
  readonly signal: AbortSignal
  /** Other keys are known, or it is known why they are not. */
  readonly onChange: () => void
}

/** Keys of key-auth, opened. They are read from Consul only where an identity names one that is not known. */
export class SealedKeys {
  readonly #options: SealedKeysOptions
  #opened: ReadonlyMap<string, string> = new Map()
  #failures: ReadonlyMap<string, string> = new Map()
  #isReading = false

  constructor(options: SealedKeysOptions) {
    this.#options = options
  }

  get canSeal(): boolean {
    return this.#options.sealKey !== null
  }

  /** By `<service>/<kid>`. The same map while nothing changes. */
  get opened(): ReadonlyMap<string, string> {
    return this.#opened
  }

  /** Sealed for KV; known here from now on. */
  seal({ service, kid }: Pick<Identity, 'service' | 'kid'>, key: string): string {
    const name = `${service}/${kid}`
    this.#opened = new Map(this.#opened).set(name, key)
    return seal(key, this.#options.sealKey!, SECRETS_PREFIX + name)
  }

  problems(list: readonly Identity[]): readonly Problem[] {
    return list.flatMap(({ service, kid }) => {
      const reason = this.#failures.get(`${service}/${kid}`)
      if (reason === undefined) return []
      const message = `KV ${secretKey(service, kid)}: ${reason}; what Kong has of it stays`
      return [{ code: 'IDENTITY_SEALED', severity: 'error' as const, service, message }]
    })
  }

  /** Reads what the identities need and is not known. */
  review(list: readonly Identity[]): void {
    const wanted = list
      .filter(({ method }) => method === 'key-auth')
      .map(({ service, kid }) => `${service}/${kid}`)
    if (this.#isReading || wanted.every((name) => this.#opened.has(name))) return
    if (!this.canSeal) {
      this.#tell(wanted, new Map(), 'secrets.keyFile is not set, so that it cannot be opened')
      return
    }
    this.#isReading = true
    void this.#read(wanted).finally(() => {
      this.#isReading = false
    })
  }

  async #read(wanted: readonly string[]): Promise<void> {
    const { reader, sealKey, signal } = this.#options
    try {
      const { body } = await reader.keys(SECRETS_PREFIX, { stale: false, signal })
      const opened = new Map<string, string>()
      for (const { Key, Value } of body) {
        try {
          opened.set(Key.slice(SECRETS_PREFIX.length), unseal(Value ?? '', sealKey!, Key))
        } catch {
          // told below, with those that are not there
        }
      }
      this.#tell(wanted, opened, 'it is not there, or was sealed with another key')
    } catch (error) {
      if (!signal.aborted)
        this.#tell(wanted, this.#opened, `Consul does not tell it (${(error as Error).message})`)
    }
  }

  #tell(wanted: readonly string[], opened: ReadonlyMap<string, string>, reason: string): void {
    const failures = new Map(wanted.filter((name) => !opened.has(name)).map((name) => [name, reason]))
    const isSame =
      JSON.stringify([...failures]) === JSON.stringify([...this.#failures]) &&
      wanted.every((name) => opened.get(name) === this.#opened.get(name))
    this.#failures = failures
    if (isSame) return
    this.#opened = opened
    this.#options.onChange()
  }
}
