import type { KvWriter } from '../consul/kv-writer.ts'
import {
  IDENTITIES_PREFIX,
  type Identity,
  identitiesIn,
  nextEndMs,
  publicKeyOf,
  SECRETS_PREFIX,
  secretKey,
} from '../core/intentions/identities.ts'
import {
  type IdentityWrite,
  newIdentity,
  revocationWrites,
  rotationWrites,
  writeOf,
} from '../core/intentions/issue.ts'
import type { Callers } from '../core/intentions/join-access.ts'
import type { KvRows } from '../core/settings-status.ts'
import { RequestError } from '../http/request-error.ts'
import { createApiKey, createKeyPair, createKid } from '../identity/key-pair.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { SealedKeys } from './sealed-keys.ts'

export interface IdentityBookOptions {
  readonly writer: KvWriter
  readonly sealed: SealedKeys
  readonly log: Logger
  /** May this operator remove what has expired from KV? */
  readonly isActive: () => boolean
  /** How long old keys of a service are valid after a rotation, in ms. */
  readonly graceMs: (service: string) => number
  /** Does Kong know the key, as far as it was seen? */
  readonly hasKey: (service: string, kid: string) => boolean
  readonly onChange: () => void
}

export interface IssueWish {
  readonly service: string
  readonly method: 'jwt' | 'key-auth'
  /** In PEM; null: a pair is made here. Of no use for key-auth. */
  readonly publicKey: string | null
  readonly by: string
  /** In ms; null: until it is revoked. */
  readonly lastsMs: number | null
}

export interface Issued {
  readonly identity: Identity
  /** Of a pair that was made here. Told this once, kept nowhere. */
  readonly privateKey: string | null
  /** Of key-auth, the same way. */
  readonly apiKey: string | null
  /** Kong knows it already. */
  readonly isInKong: boolean
}

/** Longest wait of one timer; they overflow after 24 days. */
const LONGEST_WAIT_MS = 3_600_000
/** How long an answer waits for Kong to know a new key, in ms. */
const IN_KONG_MS = 5_000
const LOOK_MS = 20

/** The identities of KV as they are in force, ended on time. */
export class IdentityBook {
  readonly #options: IdentityBookOptions
  #rows: KvRows = new Map()
  #text: string | null = null
  #callers: Callers | undefined
  #timer: NodeJS.Timeout | null = null

  constructor(options: IdentityBookOptions) {
    this.#options = options
  }

  /** undefined before KV was read. The same object while nothing changes. */
  get callers(): Callers | undefined {
    return this.#callers
  }

  /** Sorted by service and age. */
  list(service?: string): readonly Identity[] {
    const all = this.#callers?.identities ?? []
    return service === undefined ? all : all.filter((each) => each.service === service)
  }

  /** What KV holds now. */
  setRows(rows: KvRows): void {
    this.#rows = new Map([...rows].filter(([key]) => key.startsWith(IDENTITIES_PREFIX)))
    this.#review()
  }

  /** @throws RequestError 422 for what is no public key; ConsulError */
  async issue(wish: IssueWish): Promise<Issued> {
    return await this.#add(wish, (identity) => [writeOf(identity)])
  }

  /**
   * A new key; those there were stay valid for a while.
   * @param graceMs null: as the settings of the service say
   * @throws RequestError 404 for a service without identity; ConsulError
   */
  async rotate(wish: IssueWish, graceMs: number | null): Promise<Issued> {
    const own = this.#known(wish.service)
    const lasts = graceMs ?? this.#options.graceMs(wish.service)
    return await this.#add(wish, (identity) => rotationWrites(own, identity, lasts))
  }

  /**
   * @param kid null: all keys of the service
   * @returns what was taken away
   * @throws RequestError 404 for what is not there; ConsulError
   */
  async revoke(service: string, kid: string | null): Promise<readonly Identity[]> {
    const own = this.#known(service)
    const gone = own.filter((each) => kid === null || each.kid === kid)
    if (gone.length === 0) throw new RequestError(404, `${service} has no key ${kid}`)
    await this.#write(revocationWrites(own, kid))
    for (const each of gone) this.#options.log.info('identity revoked', { service, kid: each.kid })
    return gone
  }

  /** Keys of key-auth were opened, or it is known why they cannot be. */
  keysChanged(): void {
    this.#review()
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
  }

  #known(service: string): readonly Identity[] {
    const own = this.list(service)
    if (own.length === 0) throw new RequestError(404, `${service} has no identity`)
    return own
  }

  async #add(
    { service, method, publicKey, by, lastsMs }: IssueWish,
    writes: (identity: Identity) => readonly IdentityWrite[],
  ): Promise<Issued> {
    if (method === 'key-auth') return await this.#addApiKey({ service, by, lastsMs }, writes)
    const made = publicKey === null ? createKeyPair() : null
    const key = made?.publicKey ?? publicKeyOf(publicKey)
    if (key === null) {
      const message = 'must be a public key on the curve P-256, in PEM'
      throw new RequestError(422, `public_key: ${message}`, [{ field: 'public_key', message }])
    }
    const kid = made?.kid ?? createKid()
    const identity = newIdentity({ service, kid, publicKey: key, by, nowMs: Date.now(), lastsMs })
    await this.#write(writes(identity))
    return await this.#issued(identity, { privateKey: made?.privateKey ?? null, apiKey: null })
  }

  async #addApiKey(
    { service, by, lastsMs }: Pick<IssueWish, 'service' | 'by' | 'lastsMs'>,
    writes: (identity: Identity) => readonly IdentityWrite[],
  ): Promise<Issued> {
    const { sealed, writer } = this.#options
    if (!sealed.canSeal) {
      const message = 'key-auth needs secrets.keyFile on this operator: keys are kept sealed with it'
      throw new RequestError(409, message)
    }
    const apiKey = createApiKey()
    const identity = newIdentity({
      service,
      kid: createKid(),
      publicKey: null,
      by,
      nowMs: Date.now(),
      lastsMs,
    })
    await writer.force(secretKey(service, identity.kid), sealed.seal(identity, apiKey))
    await this.#write(writes(identity))
    return await this.#issued(identity, { privateKey: null, apiKey })
  }

  async #issued(identity: Identity, secrets: Pick<Issued, 'privateKey' | 'apiKey'>): Promise<Issued> {
    const { service, kid, by, method } = identity
    this.#options.log.info('identity issued', { service, kid, method, by })
    return { identity, ...secrets, isInKong: await this.#untilInKong(service, kid) }
  }

  async #untilInKong(service: string, kid: string): Promise<boolean> {
    const deadline = performance.now() + IN_KONG_MS
    while (!this.#options.hasKey(service, kid)) {
      if (performance.now() > deadline) return false
      await new Promise<void>((done) => setTimeout(done, LOOK_MS))
    }
    return true
  }

  /** In force here when this returns, elsewhere as soon as KV is read. */
  async #write(writes: readonly IdentityWrite[]): Promise<void> {
    const rows = new Map(this.#rows)
    for (const { key, text } of writes) {
      await this.#options.writer.force(key, text)
      if (text === null) rows.delete(key)
      else rows.set(key, { text, index: rows.get(key)?.index ?? 0 })
    }
    this.#rows = rows
    this.#review()
  }

  #review(): void {
    const nowMs = Date.now()
    const { list, problems, expired } = identitiesIn(this.#rows, nowMs)
    this.#wait(nowMs, list)
    void this.#removeExpired(expired)
    const { sealed } = this.#options
    sealed.review(list)
    const all = [...problems, ...sealed.problems(list)]
    const text = JSON.stringify([list, all])
    if (text === this.#text && this.#callers?.keys === sealed.opened) return
    this.#text = text
    this.#callers = { identities: list, keys: sealed.opened, problems: all }
    this.#options.onChange()
  }

  #wait(nowMs: number, list: readonly Identity[]): void {
    this.stop()
    const endMs = nextEndMs(list)
    if (endMs === null) return
    this.#timer = setTimeout(() => this.#review(), Math.min(LONGEST_WAIT_MS, endMs - nowMs + 1))
    this.#timer.unref()
  }

  /** Over whether removed or not: that KV is tidy is for people. */
  async #removeExpired(expired: readonly string[]): Promise<void> {
    if (!this.#options.isActive()) return
    const { writer } = this.#options
    for (const key of expired) {
      const { index, text } = this.#rows.get(key) ?? { index: 0, text: '' }
      const isSealed = text.includes('"key-auth"')
      const remove = async () => {
        await writer.write({ key, text: null, index })
        if (isSealed) await writer.force(key.replace(IDENTITIES_PREFIX, SECRETS_PREFIX), null)
      }
      await remove().catch((error: unknown) => {
        const reason = String((error as Error).message)
        this.#options.log.debug('an expired identity stays in KV', { key, reason })
      })
    }
  }
}
