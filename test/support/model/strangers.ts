// What a person makes in Kong that is none of kongsul's. Each is one turn: no call of an operator comes between.
import type { Kind } from './kong-replica.ts'
import { nameOf, type OurRows } from './our-rows.ts'
import type { Foreign, Step } from './program.ts'
import type { RoutableWatch } from './routable.ts'
import type { World } from './world.ts'

type Do<Name extends Step['do']> = Extract<Step, { do: Name }>

export class Strangers {
  readonly #world: World
  readonly #routable: RoutableWatch
  readonly #ours: OurRows
  #count = 0

  constructor(world: World, routable: RoutableWatch, ours: OurRows) {
    this.#world = world
    this.#routable = routable
    this.#ours = ours
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
        const row = this.#ours.find(kind, name)
        if (row !== undefined && (await this.#ours.remove(kind, row, name))) await this.#namesake(kind, name)
        return
      }
      case 'target': {
        const upstream = this.#ours.find('upstream', name)
        const body = { target: `10.9.9.9:${9900 + at}`, weight: 5 }
        if (upstream !== undefined) await this.#create(`/upstreams/${upstream.id}/targets`, body)
        return
      }
      case 'plugin': {
        const on = kind === 'route' ? 'route' : 'service'
        const row = this.#ours.find(on, name)
        const body = { name: 'correlation-id', [on]: { id: row?.id } }
        if (row !== undefined) await this.#create('/plugins', body)
        return
      }
      case 'route': {
        const service = this.#ours.find('service', name)
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
}
