// What a person does through Kong's Admin API. Each is one turn: no call of an operator comes between.
import { type Edit, flatten } from './edits.ts'
import type { Kind, Row } from './kong-replica.ts'
import type { Foreign, Step } from './program.ts'
import type { RoutableWatch } from './routable.ts'
import type { World } from './world.ts'

type Do<Name extends Step['do']> = Extract<Step, { do: Name }>

const OVERRIDE = 'kongsul.override:'
const HEALTH = `${OVERRIDE}health`
/** More than that and the operator lets it be, as it says it does. */
const MOST_REMOVALS = 2

export class People {
  readonly #world: World
  readonly #routable: RoutableWatch
  #count = 0

  constructor(world: World, routable: RoutableWatch) {
    this.#world = world
    this.#routable = routable
  }

  async edit({ service, kind, field: choice }: Do<'edit'>): Promise<void> {
    const name = this.#world.service(service)
    await this.#world.person(async (write) => {
      const row = this.#ours(kind, name)
      if (row === undefined) return
      this.#count += 1
      const choices = EDITS[kind](this.#count)
      const [field, value] = choices[choice % choices.length]!
      const answer = await write('PATCH', pathOf(kind, row), nested(field, value))
      if (answer.status === 200) {
        this.#world.edits.noteWrite(row, answer.body, new Set([field]), this.#certainty(name))
      }
    })
  }

  /** A PUT of the whole entity by somebody who does not know about tags. */
  async putUntagged({ service, kind }: Do<'putUntagged'>): Promise<void> {
    const name = this.#world.service(service)
    await this.#world.person(async (write) => {
      const row = this.#ours(kind, name)
      if (row === undefined) return
      this.#count += 1
      const [[field, value]] = EDITS[kind](this.#count) as [[string, unknown]]
      const { tags: _, id: __, created_at: ___, updated_at: ____, ws_id: _____, ...rest } = row
      const body = merged(rest, nested(field, value))
      const answer = await write('PUT', pathOf(kind, row), body)
      if (answer.status !== 200) return
      // Whatever is not as Consul wants it by now counts as edited: nothing tells who wrote it.
      for (const [each, now] of flatten(answer.body)) this.#world.edits.set(row.id, each, now, 'maybe')
      this.#world.edits.set(row.id, field, value, this.#certainty(name))
    })
  }

  async remove({ service, kind }: Do<'remove'>): Promise<void> {
    const name = this.#world.service(service)
    await this.#world.person(async () => {
      const row = this.#ours(kind, name)
      if (row !== undefined) await this.#removeOurs(kind, row, name)
    })
  }

  async pin({ service, kind, by }: Do<'pin'>): Promise<void> {
    const name = this.#world.service(service)
    const field = PINNED[kind]
    if (field === undefined) return
    if (by === 'tag') {
      await this.#world.person(async (write) => {
        const row = this.#ours(kind, name)
        if (row === undefined) return
        const tags = [...new Set([...(row.tags ?? []), `${OVERRIDE}${field}`])]
        const { status } = await write('PATCH', pathOf(kind, row), { tags })
        if (status === 200) this.#pinned(row, name, field, this.#certainty(name))
      })
      return
    }
    const row = this.#ours(kind, name)
    if (row === undefined) return
    const known = this.#world.edits.get(row.id, field)
    this.#world.edits.set(row.id, field, known?.value ?? flatten(row).get(field), 'maybe')
    const isDone = await this.#ask('PUT', `/overrides/${row.id}`, { field })
    const now = this.#world.replica.get(row.id)?.row
    if (isDone && now !== undefined) this.#pinned(now, name, field, this.#certainty(name))
    else if (now !== undefined) this.#world.edits.set(row.id, field, flatten(now).get(field), 'maybe')
  }

  async release({ which, by }: Do<'release'>): Promise<void> {
    const { edits, replica } = this.#world
    const open = edits.all().filter(({ field }) => field !== 'slots')
    const edit = open[which % Math.max(1, open.length)]
    if (edit === undefined) return
    if (by === 'api') {
      edits.set(edit.id, edit.field, edit.value, 'maybe')
      const isDone = await this.#ask('DELETE', `/overrides/${edit.id}?field=${edit.field}`)
      if (isDone) edits.clear(edit.id, edit.field)
      return
    }
    await this.#world.person(async (write) => {
      const held = replica.get(edit.id)
      const tag = `${OVERRIDE}${edit.field}`
      if (held === undefined || !held.row.tags?.includes(tag)) return
      const tags = held.row.tags.filter((each: string) => each !== tag)
      const { status } = await write('PATCH', pathOf(held.kind, held.row), { tags })
      if (status === 200) this.#untagged(edit)
    })
  }

  /** Marks a target unhealthy; `claimed`: and says that it shall stay so. */
  async mark({ service, claimed }: Do<'mark'>): Promise<void> {
    const name = this.#world.service(service)
    await this.#world.person(async (write) => {
      const row = this.#ours('target', name)
      if (row === undefined || row.weight === 0) return
      const path = `/upstreams/${row.upstream.id}/targets/${row.id}`
      if (claimed) {
        const tags = [...new Set([...(row.tags ?? []), HEALTH])]
        if ((await write('PATCH', path, { tags })).status !== 200) return
      }
      const { status } = await write('PUT', `${path}/unhealthy`)
      if (claimed && status === 204) this.#world.claims.add(row.id)
    })
  }

  async unclaim({ service }: Do<'unclaim'>): Promise<void> {
    const name = this.#world.service(service)
    await this.#world.person(async (write) => {
      const row = this.#ours('target', name)
      if (row === undefined || !row.tags?.includes(HEALTH)) return
      const tags = row.tags.filter((tag: string) => tag !== HEALTH)
      const { status } = await write('PATCH', pathOf('target', row), { tags })
      if (status === 200) this.#world.claims.delete(row.id)
    })
  }

  async foreign({ what, service, kind }: Do<'foreign'>): Promise<void> {
    const name = this.#world.service(service)
    await this.#world.person(async () => {
      this.#count += 1
      await this.#foreignOf(what, kind, name)
    })
  }

  async editForeign({ which }: Do<'editForeign' | 'removeForeign'>): Promise<void> {
    await this.#onForeign(which, async (id, path) => {
      this.#count += 1
      await this.#world.write('PATCH', path, { tags: [`team:${this.#count}`] })
      await this.#own(id, path)
    })
  }

  async removeForeign({ which }: Do<'editForeign' | 'removeForeign'>): Promise<void> {
    await this.#onForeign(which, async (_, path) => void (await this.#world.write('DELETE', path)))
  }

  async #onForeign(which: number, work: (id: string, path: string) => Promise<void>): Promise<void> {
    await this.#world.person(async () => {
      const all = [...this.#world.foreign]
      const found = all[which % Math.max(1, all.length)]
      if (found !== undefined) await work(found[0], found[1].path)
    })
  }

  async #foreignOf(what: Foreign, kind: Kind, name: string): Promise<void> {
    const at = this.#count
    switch (what) {
      case 'alone':
        await this.#create('/upstreams', { name: `foreign${at}` })
        await this.#create('/services', { name: `foreign${at}`, host: `foreign${at}` })
        await this.#create('/routes', { name: `foreign${at}`, hosts: [`foreign${at}.example`] })
        return
      case 'otherMesh': {
        const tags = ['managed-by:kongsul', `kongsul.mesh:other${at}`, 'kongsul.service:other']
        await this.#create('/services', { name: `other${at}`, host: 'other.example', tags })
        return
      }
      case 'namesake':
        return await this.#namesake(kind, name)
      case 'replacement': {
        const row = this.#ours(kind, name)
        if (row !== undefined && (await this.#removeOurs(kind, row, name))) await this.#namesake(kind, name)
        return
      }
      case 'target': {
        const upstream = this.#ours('upstream', name)
        const body = { target: `10.9.9.9:${9900 + at}`, weight: 5 }
        if (upstream !== undefined) await this.#create(`/upstreams/${upstream.id}/targets`, body)
        return
      }
      case 'plugin': {
        const on = kind === 'route' ? 'route' : 'service'
        const row = this.#ours(on, name)
        const body = { name: 'correlation-id', [on]: { id: row?.id } }
        if (row !== undefined) await this.#create('/plugins', body)
        return
      }
      case 'route': {
        const service = this.#ours('service', name)
        const body = { hosts: [`foreign${at}.example`] }
        if (service !== undefined) await this.#create(`/services/${service.id}/routes`, body)
      }
    }
  }

  /** Under the name that ours has, or would have. */
  async #namesake(kind: Kind, name: string): Promise<void> {
    const { replica } = this.#world
    if (kind === 'target' || replica.byName(kind, nameOf(kind, name)) !== undefined) return
    const bodies = {
      upstream: {},
      service: { host: 'foreign.example' },
      route: { hosts: ['namesake.example'] },
    }
    const body = { name: nameOf(kind, name), ...bodies[kind as keyof typeof bodies] }
    if (kind === 'upstream') this.#routable.release(name)
    await this.#create(`/${kind}s`, body)
  }

  async #create(path: string, body: object): Promise<void> {
    const answer = await this.#world.write('POST', path, body)
    if (answer.status !== 201) return
    const { id } = answer.body
    this.#world.touched.set(id, this.#world.tick())
    await this.#own(id, `${path.startsWith('/services/') ? `/${path.split('/')[3]}` : path}/${id}`)
  }

  async #own(id: string, path: string): Promise<void> {
    const { body } = await this.#world.read(path)
    this.#world.foreign.set(id, { path, text: JSON.stringify(body) })
  }

  async #removeOurs(kind: Kind, row: Row, name: string): Promise<boolean> {
    const { replica, removals } = this.#world
    const routes = kind === 'service' ? this.#routesOf(row.id) : []
    const all: [Kind, Row][] = [...routes.map((route): [Kind, Row] => ['route', route]), [kind, row]]
    const keyOf = ([each, { id }]: [Kind, Row]) => `${each} ${id}`
    if (all.some((each) => (removals.get(keyOf(each)) ?? 0) >= MOST_REMOVALS)) return false
    // Kong takes these along, and so would the person: they are not the operator's to lose.
    const isUsed = [...replica.all()].some(
      (held) =>
        this.#world.foreign.has(held.row.id) && held.row.service?.id === row.id && held.kind === 'route',
    )
    if (isUsed) return false
    if (kind === 'target' || kind === 'upstream') this.#routable.release(name)
    for (const each of all) {
      removals.set(keyOf(each), (removals.get(keyOf(each)) ?? 0) + 1)
      if ((await this.#world.write('DELETE', pathOf(each[0], each[1]))).status !== 204) return false
    }
    return true
  }

  #routesOf(serviceId: string): Row[] {
    const { replica, foreign } = this.#world
    const routes = [...replica.all()].filter(
      ({ kind, row }) => kind === 'route' && row.service?.id === serviceId,
    )
    return routes.map(({ row }) => row).filter(({ id }) => !foreign.has(id))
  }

  #ours(kind: Kind, name: string): Row | undefined {
    const { replica, foreign } = this.#world
    if (kind === 'target') {
      const upstream = this.#ours('upstream', name)
      return upstream && replica.targetsOf(upstream.id).find(({ id }) => !foreign.has(id))
    }
    const row = replica.byName(kind, nameOf(kind, name))
    return row === undefined || foreign.has(row.id) ? undefined : row
  }

  #pinned(row: Row, name: string, field: string, certainty: Edit['certainty']): void {
    if (field === 'weight') this.#routable.release(name)
    this.#world.edits.set(row.id, field, flatten(row).get(field), certainty)
  }

  /** Taken back for sure when the operator knew of it; else it may look like a new edit. */
  #untagged({ id, field, value, times }: Edit): void {
    if (times === 0) this.#world.edits.clear(id, field)
    else this.#world.edits.set(id, field, value, 'maybe')
  }

  #certainty(name: string): Edit['certainty'] {
    const documents = this.#world.documents.get(name) ?? [{}]
    return documents.some(({ overrides }) => overrides?.policy === 'revert') ? 'maybe' : 'sure'
  }

  async #ask(method: string, path: string, body?: object): Promise<boolean> {
    const url = this.#world.leader()?.url
    if (url === undefined) return false
    const json =
      body === undefined
        ? {}
        : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }
    try {
      const answer = await fetch(`${url}/api/v1/mesh/v2${path}`, { method, ...json })
      this.#world.note(`api ${method} ${path} -> ${answer.status} ${await answer.text()}`)
      return answer.ok
    } catch {
      return false // stopped meanwhile
    }
  }
}

const nameOf = (kind: Kind, service: string): string =>
  kind === 'upstream' ? `${service}.mesh` : kind === 'route' ? `mesh.${service}.host` : `mesh.${service}`

const pathOf = (kind: Kind, row: Row): string =>
  kind === 'target' ? `/upstreams/${row.upstream.id}/targets/${row.id}` : `/${kind}s/${row.id}`

/** Values that Consul never asks for; `slots` is a field that the operator does not manage. */
const EDITS: Readonly<Record<Kind, (at: number) => [field: string, value: unknown][]>> = {
  service: (at) => [
    ['read_timeout', 7000 + at],
    ['retries', 40 + at],
    ['connect_timeout', 3000 + at],
  ],
  upstream: (at) => [
    ['healthchecks.passive.unhealthy.tcp_failures', 20 + at],
    ['algorithm', 'latency'],
    ['slots', 2000 + at],
  ],
  route: (at) => [
    ['preserve_host', true],
    ['hosts', [`edited${at}.example`]],
    ['methods', ['GET', 'PUT']],
  ],
  target: (at) => [['weight', 30 + at]],
  plugin: () => [],
}

const PINNED: Readonly<Record<string, string>> = {
  service: 'retries',
  route: 'preserve_host',
  target: 'weight',
}

function nested(field: string, value: unknown): Record<string, unknown> {
  return field.split('.').reduceRight<unknown>((inner, key) => ({ [key]: inner }), value) as Record<
    string,
    unknown
  >
}

function merged(into: Row, from: Row): Row {
  const result = { ...into }
  for (const [key, value] of Object.entries(from)) {
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
    result[key] = isObject ? merged(into[key], value) : value
  }
  return result
}
