/** Kong's entities as the answers to all writes tell, so that they can be looked at after each one without asking. */

export type Kind = 'upstream' | 'target' | 'service' | 'route' | 'plugin'

// biome-ignore lint/suspicious/noExplicitAny: a row of any entity
export type Row = any

export interface Held {
  readonly kind: Kind
  readonly row: Row
}

const KINDS: Readonly<Record<string, Kind>> = {
  upstreams: 'upstream',
  targets: 'target',
  services: 'service',
  routes: 'route',
  plugins: 'plugin',
}

/** What a path of the Admin API is about; id is null for a collection. */
export function subjectOf(path: string): { readonly kind: Kind; readonly id: string | null } | null {
  const parts = path.split('?')[0]!.split('/').filter(Boolean).map(decodeURIComponent)
  if (parts.at(-1) === 'healthy' || parts.at(-1) === 'unhealthy' || parts.at(-1) === 'health') return null
  const isNested = parts.length > 2
  const kind = KINDS[parts[isNested ? 2 : 0] ?? '']
  if (kind === undefined) return null
  return { kind, id: parts[isNested ? 3 : 1] ?? null }
}

export class KongReplica {
  readonly #held = new Map<string, Held>()

  all(): IterableIterator<Held> {
    return this.#held.values()
  }

  get(id: string): Held | undefined {
    return this.#held.get(id)
  }

  byName(kind: Kind, name: string): Row | undefined {
    for (const held of this.#held.values()) if (held.kind === kind && held.row.name === name) return held.row
    return undefined
  }

  targetsOf(upstreamId: string): Row[] {
    return this.#childrenOf(upstreamId, 'target')
  }

  /** Takes the answer to a write over. @returns ids of what is gone with it */
  note(method: string, path: string, status: number, body: string): readonly string[] {
    const subject = subjectOf(path)
    if (subject === null || status >= 400) return []
    if (method === 'DELETE') return subject.id === null ? [] : this.#remove(subject.kind, subject.id)
    const row = JSON.parse(body)
    this.#held.set(row.id, { kind: subject.kind, row })
    return []
  }

  #remove(kind: Kind, reference: string): readonly string[] {
    const found = [...this.#held].find(
      ([id, held]) =>
        held.kind === kind && (id === reference || (held.row.name ?? held.row.target) === reference),
    )
    if (found === undefined) return []
    const [id] = found
    const children = { upstream: 'target', service: 'plugin', route: 'plugin' } as const
    const childKind = children[kind as keyof typeof children]
    const gone = childKind === undefined ? [] : this.#childrenOf(id, childKind).map((row) => String(row.id))
    for (const each of [id, ...gone]) this.#held.delete(each)
    return [id, ...gone]
  }

  #childrenOf(id: string, kind: Kind): Row[] {
    const rows = [...this.#held.values()].filter((held) => held.kind === kind).map(({ row }) => row)
    return rows.filter((row) => [row.upstream?.id, row.service?.id, row.route?.id].includes(id))
  }
}
