// What happens in Consul. Each step returns when Consul answers accordingly.
import { waitFor } from '../wait-for.ts'
import { type Document, type HealthRow, healthOf } from './expected.ts'
import type { Step } from './program.ts'
import type { RoutableWatch } from './routable.ts'
import type { World } from './world.ts'

type Do<Name extends Step['do']> = Extract<Step, { do: Name }>

export const healthRows = async (world: World, service: string): Promise<readonly HealthRow[]> =>
  (await world.consul.request('GET', `/health/service/${service}?consistent`)) as HealthRow[]

const STATUS = { pass: 'passing', warn: 'warning', fail: 'critical' } as const

export class ConsulSteps {
  readonly #world: World
  readonly #routable: RoutableWatch

  constructor(world: World, routable: RoutableWatch) {
    this.#world = world
    this.#routable = routable
  }

  async register({ service, instance, weights, tags, meta }: Do<'register'>): Promise<void> {
    const { name, id } = this.#names(service, instance)
    const [Passing, Warning] = weights
    await this.#world.consul.register({
      Name: name,
      ID: id,
      Address: `10.0.${service}.${instance}`,
      Port: 9000 + instance,
      Tags: tags,
      Meta: meta,
      Weights: { Passing, Warning },
      Check: { CheckID: `ttl:${id}`, TTL: '1h', Status: 'passing' },
    })
    this.#world.registered.set(name, [...new Set([...(this.#world.registered.get(name) ?? []), id])])
    await this.#seen(name, (rows) => {
      const row = rows.find(({ Service }) => Service.ID === id)
      const said = row && [row.Service.Weights, row.Service.Tags ?? [], row.Service.Meta]
      return JSON.stringify(said) === JSON.stringify([{ Passing, Warning }, tags, meta])
    })
  }

  async deregister({ service, instance }: Do<'deregister'>): Promise<void> {
    const { name, id, isThere } = this.#names(service, instance)
    if (!isThere) return
    await this.#about(name, (rows) => rows.filter(({ Service }) => Service.ID !== id))
    await this.#world.consul.deregister(id)
    this.#world.registered.set(
      name,
      (this.#world.registered.get(name) ?? []).filter((each) => each !== id),
    )
    await this.#seen(name, (rows) => rows.every(({ Service }) => Service.ID !== id))
  }

  async check({ service, instance, state }: Do<'check'>): Promise<void> {
    const { name, id, isThere } = this.#names(service, instance)
    if (!isThere) return
    await this.#world.consul.setCheck(`ttl:${id}`, state)
    await this.#seen(name, (rows) => {
      const row = rows.find(({ Service }) => Service.ID === id)
      return row?.Checks.find(({ CheckID }) => CheckID === `ttl:${id}`)?.Status === STATUS[state]
    })
  }

  async maintenance({ service, instance, on }: Do<'maintenance'>): Promise<void> {
    const { name, id, isThere } = this.#names(service, instance)
    if (!isThere) return
    const mark = { CheckID: `_service_maintenance:${id}`, Status: 'critical' }
    const marked = (row: HealthRow) =>
      row.Service.ID === id && on ? { ...row, Checks: [...row.Checks, mark] } : row
    await this.#about(name, (rows) => rows.map(marked))
    await this.#world.consul.request('PUT', `/agent/service/maintenance/${id}?enable=${on}`)
    await this.#seen(name, (rows) => {
      const row = rows.find(({ Service }) => Service.ID === id)
      return row !== undefined && (healthOf(row) === 'maintenance') === on
    })
  }

  async settings({ service, text }: Do<'settings'>): Promise<void> {
    const { consul, documents, edits, changed, replica } = this.#world
    const name = this.#world.service(service)
    const next = documentOf(text)
    changed.add(name)
    // Until everything is at rest, any of them may be the last good one that the operator has read.
    if (next !== null) documents.set(name, [...(documents.get(name) ?? [{}]), next])
    if (next?.overrides?.policy === 'revert') {
      edits.doubt(({ id }) => isOf(name, replica.get(id)?.row))
    }
    if (text === null) await consul.deleteKey(`mesh/services/${name}`)
    else await consul.setKey(`mesh/services/${name}`, text)
  }

  #names(service: number, instance: number) {
    const name = this.#world.service(service)
    const id = `${name}-${instance}`
    return { name, id, isThere: this.#world.registered.get(name)?.includes(id) ?? false }
  }

  /** The operator may hear of it before we do. */
  async #about(name: string, after: (rows: readonly HealthRow[]) => readonly HealthRow[]): Promise<void> {
    this.#routable.noteConsul(name, after(await healthRows(this.#world, name)))
  }

  async #seen(name: string, isThere: (rows: readonly HealthRow[]) => boolean): Promise<void> {
    this.#world.changed.add(name)
    let rows: readonly HealthRow[] = []
    const look = async () => {
      rows = await healthRows(this.#world, name)
      return isThere(rows)
    }
    await waitFor(look, { pollMs: 2, what: `Consul telling of ${name}` })
    this.#routable.noteConsul(name, rows)
  }
}

/** null: it is refused. */
export function documentOf(text: string | null): Document | null {
  if (text === null) return {}
  try {
    const document = JSON.parse(text)
    const { retries } = document
    const isGood = !Array.isArray(document) && !('colour' in document)
    return isGood && (retries === undefined || (Number.isInteger(retries) && retries >= 0)) ? document : null
  } catch {
    return null
  }
}

function isOf(service: string, row: { tags?: readonly string[]; name?: string } | undefined): boolean {
  if (row === undefined) return true
  const tag = row.tags?.find((each) => each.startsWith('kongsul.service:'))
  return tag === undefined || tag === `kongsul.service:${service}`
}
