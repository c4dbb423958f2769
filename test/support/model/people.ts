// What a person does to what kongsul made, through Kong's Admin API and the operator's. Each is one turn: no call of an operator comes between.
import { EDITS, merged, nested, PINNED } from './edit-choices.ts'
import { type Edit, flatten } from './edits.ts'
import type { Row } from './kong-replica.ts'
import { type OurRows, pathOf } from './our-rows.ts'
import type { Step } from './program.ts'
import type { RoutableWatch } from './routable.ts'
import type { World } from './world.ts'

type Do<Name extends Step['do']> = Extract<Step, { do: Name }>

const OVERRIDE = 'kongsul.override:'
const HEALTH = `${OVERRIDE}health`

export class People {
  readonly #world: World
  readonly #routable: RoutableWatch
  readonly #ours: OurRows
  #count = 0

  constructor(world: World, routable: RoutableWatch, ours: OurRows) {
    this.#world = world
    this.#routable = routable
    this.#ours = ours
  }

  async edit({ service, kind, field: choice }: Do<'edit'>): Promise<void> {
    const name = this.#world.service(service)
    await this.#world.person(async (write) => {
      const row = this.#ours.find(kind, name)
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
      const row = this.#ours.find(kind, name)
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
      const row = this.#ours.find(kind, name)
      if (row !== undefined) await this.#ours.remove(kind, row, name)
    })
  }

  async pin({ service, kind, by }: Do<'pin'>): Promise<void> {
    const name = this.#world.service(service)
    const field = PINNED[kind]
    if (field === undefined) return
    if (by === 'tag') {
      await this.#world.person(async (write) => {
        const row = this.#ours.find(kind, name)
        if (row === undefined) return
        const tags = [...new Set([...(row.tags ?? []), `${OVERRIDE}${field}`])]
        const { status } = await write('PATCH', pathOf(kind, row), { tags })
        if (status === 200) this.#pinned(row, name, field, this.#certainty(name))
      })
      return
    }
    const row = this.#ours.find(kind, name)
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
      const row = this.#ours.find('target', name)
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
      const row = this.#ours.find('target', name)
      if (row === undefined || !row.tags?.includes(HEALTH)) return
      const tags = row.tags.filter((tag: string) => tag !== HEALTH)
      const { status } = await write('PATCH', pathOf('target', row), { tags })
      if (status === 200) this.#world.claims.delete(row.id)
    })
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
