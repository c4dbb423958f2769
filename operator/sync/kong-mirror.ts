import { type Entity, type Kind, type KongState, keyOf } from '../core/entity.ts'
import { isUnmanagedRoute } from '../core/foreign-routes.ts'

/**
 * What Kong holds, as last read or written. Indexed so that one service's part can be taken out without looking at
 * the others; knows what was written during a read, so that a slow one cannot put back what was there before a write.
 */
export class KongMirror {
  readonly #entities = new Map<string, Entity>()
  readonly #byOwner = new Index()
  readonly #byParent = new Index()
  readonly #byName = new Index()
  readonly #byMatch = new Index()
  /** When each entity was written, on the clock of writes, oldest first; as far back as a read that is under way needs it. */
  readonly #written = new Map<string, number>()
  #clock = 0
  /** When the reads that are under way began, on that clock, oldest first. */
  readonly #reads: { readonly since: number }[] = []
  #copy: KongState | null = null
  readonly #foreign = new Map<string, Entity>()
  #foreignCopy: readonly Entity[] | null = null
  #gone: Entity[] = []

  /** The same object until something changes. */
  state(): KongState {
    this.#copy ??= new Map(this.#entities)
    return this.#copy
  }

  get(key: string): Entity | undefined {
    return this.#entities.get(key)
  }

  has(key: string): boolean {
    return this.#entities.has(key)
  }

  values(): ReturnType<KongState['values']> {
    return this.#entities.values()
  }

  /** Routes that nobody manages; the same list until one of them changes. */
  foreignRoutes(): readonly Entity[] {
    this.#foreignCopy ??= [...this.#foreign.values()]
    return this.#foreignCopy
  }

  get size(): number {
    return this.#entities.size
  }

  /** Notes what a write, or a read of one entity, has shown. */
  set(entity: Entity): void {
    const key = keyOf(entity)
    this.#note(key)
    this.#put(key, entity)
  }

  /** Notes that Kong does not have the entity, or has it new: what hung on it went with it. */
  delete(key: string): void {
    const entity = this.#entities.get(key)
    this.#note(key)
    this.#drop(key)
    if (entity !== undefined) this.dropChildren(entity)
  }

  /** As delete, of what Kong was found not to have though nobody of us removed it. */
  lose(key: string): void {
    const entity = this.#entities.get(key)
    if (entity !== undefined) this.#gone.push(entity)
    this.delete(key)
  }

  /** What was found missing since the last call. */
  takeGone(): readonly Entity[] {
    const gone = this.#gone
    this.#gone = []
    return gone
  }

  /** Kong takes targets with their upstream, plugins with their route and service (which it keeps while it has routes), keys with their consumer. */
  dropChildren(parent: Entity): void {
    for (const key of [...this.#byParent.get(parent.id)]) {
      const kind = this.#entities.get(key)?.kind
      if (kind === undefined || !GOES_ALONG.has(kind)) continue
      this.#note(key)
      this.#drop(key)
    }
  }

  /**
   * Reads something of Kong and takes it over. What is written while it is read is left as it is, entity by entity: a
   * service that changes all the time must not hide what somebody does to the rest of it.
   * @param covers which of the entities known so far the read would have shown
   * @throws what `read` throws; nothing is taken over then
   */
  async read(
    read: () => Promise<KongState>,
    covers: (entity: Entity, state: KongState) => boolean,
  ): Promise<KongState> {
    const begun = { since: this.#clock }
    this.#reads.push(begun)
    try {
      const state = await read()
      this.#merge(state, (entity) => covers(entity, state), begun.since)
      return state
    } finally {
      this.#reads.splice(this.#reads.indexOf(begun), 1)
      this.#forget(this.#reads[0]?.since ?? this.#clock)
    }
  }

  /** Takes over all that Kong holds, read while nobody wrote. */
  replace(state: KongState): void {
    this.#merge(state, () => true, this.#clock)
  }

  /** How many writes are remembered for the reads that are under way. */
  get remembered(): number {
    return this.#written.size
  }

  #merge(read: KongState, covers: (entity: Entity) => boolean, since: number): void {
    const isNewer = (key: string) => (this.#written.get(key) ?? 0) > since
    for (const [key, entity] of this.#entities) {
      if (!covers(entity) || read.has(key) || isNewer(key)) continue
      if (entity.owner !== '') this.#gone.push(entity)
      this.#drop(key)
    }
    for (const [key, entity] of read) if (!isNewer(key)) this.#put(key, entity)
  }

  /**
   * All that a decision about one service has to see: what it owns, what has the id, the name or the parent of
   * something it wants, whoever it belongs to.
   */
  part(service: string, wanted: readonly Entity[]): KongState {
    const part = new Map<string, Entity>()
    const take = (keys: Iterable<string>) => {
      for (const key of keys) {
        const entity = this.#entities.get(key)
        if (entity !== undefined) part.set(key, entity)
      }
    }
    take(this.#byOwner.get(service))
    for (const entity of wanted) {
      take([keyOf(entity)])
      if (!NOT_UNIQUE.has(entity.kind)) take(this.#byName.get(nameKey(entity)))
      if (isParent(entity)) take(this.#byParent.get(entity.id))
    }
    for (const entity of [...part.values()]) if (isParent(entity)) take(this.#byParent.get(entity.id))
    return part
  }

  /** Routes that take requests for the host or path, by key. */
  routesFor(match: string): Iterable<string> {
    return this.#byMatch.get(match)
  }

  #note(key: string): void {
    this.#clock += 1
    if (this.#reads.length === 0) return
    this.#written.delete(key)
    this.#written.set(key, this.#clock)
  }

  #forget(until: number): void {
    for (const [oldest, at] of this.#written) {
      if (at > until) return
      this.#written.delete(oldest)
    }
  }

  #put(key: string, entity: Entity): void {
    if (this.#entities.get(key) === entity) return
    this.#drop(key)
    this.#copy = null
    this.#entities.set(key, entity)
    if (isUnmanagedRoute(entity)) {
      this.#foreign.set(key, entity)
      this.#foreignCopy = null
    }
    this.#byOwner.add(entity.owner, key)
    for (const parent of parentsOf(entity)) this.#byParent.add(parent, key)
    this.#byName.add(nameKey(entity), key)
    for (const match of matchesOf(entity)) this.#byMatch.add(match, key)
  }

  #drop(key: string): void {
    const entity = this.#entities.get(key)
    if (entity === undefined) return
    this.#copy = null
    this.#entities.delete(key)
    if (this.#foreign.delete(key)) this.#foreignCopy = null
    this.#byOwner.delete(entity.owner, key)
    for (const parent of parentsOf(entity)) this.#byParent.delete(parent, key)
    this.#byName.delete(nameKey(entity), key)
    for (const match of matchesOf(entity)) this.#byMatch.delete(match, key)
  }
}

/** Hosts and paths of a route. */
export function matchesOf({ kind, fields }: Entity): readonly string[] {
  if (kind !== 'route') return []
  const texts = (value: unknown) => (Array.isArray(value) ? (value as string[]) : [])
  const hosts = texts(fields.hosts)
  return hosts.length > 0 ? hosts : texts(fields.paths)
}

/** With what it hangs on. */
const GOES_ALONG: ReadonlySet<Kind> = new Set([
  'target',
  'plugin',
  'jwt_secret',
  'keyauth_credential',
  'acl',
  'sni',
])

/** Their names are unique at their place alone. */
const NOT_UNIQUE: ReadonlySet<Kind> = new Set(['target', 'plugin', 'keyauth_credential', 'acl'])

const PARENTS: ReadonlySet<Kind> = new Set(['upstream', 'service', 'route', 'consumer', 'certificate'])
const isParent = ({ kind }: Entity): boolean => PARENTS.has(kind)

/** A plugin hangs on a service, on a route, or on neither. */
function parentsOf({ kind, parent, fields }: Entity): readonly string[] {
  const route = kind === 'plugin' ? (fields.route as { readonly id?: string } | null | undefined) : null
  return typeof route?.id === 'string' ? [parent, route.id] : [parent]
}

const nameKey = ({ kind, name }: Entity): string => `${kind}/${name}`

/** Most places have one key: it stands for itself, a set of one takes ten times the memory. */
class Index {
  readonly #keys = new Map<string, string | Set<string>>()

  get(at: string): Iterable<string> {
    const keys = this.#keys.get(at)
    return keys === undefined ? NONE : typeof keys === 'string' ? [keys] : keys
  }

  add(at: string, key: string): void {
    if (at === '') return
    const keys = this.#keys.get(at)
    if (keys === undefined) this.#keys.set(at, key)
    else if (typeof keys !== 'string') keys.add(key)
    else if (keys !== key) this.#keys.set(at, new Set([keys, key]))
  }

  delete(at: string, key: string): void {
    const keys = this.#keys.get(at)
    if (keys === key) this.#keys.delete(at)
    if (keys === undefined || typeof keys === 'string') return
    keys.delete(key)
    if (keys.size === 0) this.#keys.delete(at)
  }
}

const NONE: readonly string[] = []
