// Is Kong what Consul and the people at its Admin API have made of it? Asked when everything is at rest.
import { isDeepStrictEqual } from 'node:util'
import { healthRows } from './consul-steps.ts'
import { type Edit, flatten } from './edits.ts'
import { type Document, type Expected, expectedOf, type Fields, type HealthRow } from './expected.ts'
import type { Kind, Row } from './kong-replica.ts'
import type { World } from './world.ts'

export interface Judgement {
  /** What is wrong; empty when all is well. */
  readonly wrong: readonly string[]
  /** What Consul said, by service. */
  readonly rows: ReadonlyMap<string, readonly HealthRow[]>
  /** The documents that explain what Kong holds, by service. */
  readonly documents: ReadonlyMap<string, readonly Document[]>
}

interface Kong {
  readonly upstream: readonly Row[]
  readonly service: readonly Row[]
  readonly route: readonly Row[]
  readonly target: readonly Row[]
}

interface Reported {
  readonly id: string
  readonly field: string
  readonly kind: string
  readonly service: string
}

export async function judge(world: World): Promise<Judgement> {
  const leader = world.leader()
  if (leader === null) return { wrong: ['nobody leads'], rows: new Map(), documents: new Map() }
  const { pending, failing, overrides, problems, consul, kong } = leader.status()
  const wrong: string[] = []
  if (pending.length > 0) wrong.push(`pending: ${pending.join(', ')}`)
  for (const { service, message } of failing) wrong.push(`failing: ${service}: ${message}`)
  if (!consul.connected || !kong.connected) wrong.push(`not connected: ${consul.error} ${kong.error}`)
  const held = await readKong(world)
  const rows = new Map<string, readonly HealthRow[]>()
  const documents = new Map<string, readonly Document[]>()
  for (const service of world.services) {
    rows.set(service, await healthRows(world, service))
    const candidates = world.documents.get(service) ?? [{}]
    const judged = candidates.map((document) => ({
      document,
      wrong: wrongWith(world, held, service, rows.get(service)!, document, overrides),
    }))
    const good = judged.filter((each) => each.wrong.length === 0)
    if (good.length === 0) wrong.push(...judged.at(-1)!.wrong)
    documents.set(
      service,
      good.map(({ document }) => document),
    )
    wrong.push(...unreported(world, held, service, rows.get(service)!, problems))
  }
  wrong.push(...strangers(world, held), ...(await changedForeign(world)), ...(await wrongHealth(world, held)))
  return { wrong, rows, documents }
}

async function readKong(world: World): Promise<Kong> {
  const [upstream, service, route] = await Promise.all(
    ['/upstreams', '/services', '/routes'].map((path) => world.list(path)),
  )
  const targets = await Promise.all(upstream!.map(({ id }) => world.list(`/upstreams/${id}/targets`)))
  return { upstream: upstream!, service: service!, route: route!, target: targets.flat() }
}

function wrongWith(
  world: World,
  kong: Kong,
  service: string,
  rows: readonly HealthRow[],
  document: Document,
  overrides: readonly Reported[],
): string[] {
  const retries = rows.some(({ Service }) => Service.Meta?.['mesh-retries'] === '5') ? 5 : undefined
  const expected = expectedOf(service, rows, document, retries)
  const context: Context = {
    world,
    kong,
    service,
    isReverting: document.overrides?.policy === 'revert',
    overrides,
  }
  const ours = (kind: Kind, name: string) =>
    kong[kind as keyof Kong].find((row) => row.name === name && !world.foreign.has(row.id))
  const isTaken = (kind: Kind, name: string) =>
    kong[kind as keyof Kong].some((row) => row.name === name && world.foreign.has(row.id))
  const wrong: string[] = []
  const compare = (kind: Kind, name: string, fields: Fields | null, isKept: (row: Row) => boolean) => {
    const row = ours(kind, name)
    if (fields !== null && !isTaken(kind, name)) {
      if (row === undefined) wrong.push(`${kind} ${name} is missing`)
      else wrong.push(...wrongFields(context, kind, row, fields))
    } else if (row?.tags?.includes('managed-by:kongsul') && !isKept(row)) {
      // Who took the tags away as well has made it their own.
      wrong.push(`${kind} ${name} should not be there`)
    }
  }
  const hasUsers = (row: Row): boolean => isUsed(world, row.id)
  const serviceRow = ours('service', `mesh.${service}`)
  // A route that stays for what a person hung onto it keeps its service, and that its upstream.
  const hasKeptRoute = kong.route.some((row) => row.service?.id === serviceRow?.id && hasUsers(row))
  const keepsService = serviceRow !== undefined && (hasUsers(serviceRow) || hasKeptRoute)
  compare('service', `mesh.${service}`, expected.service, () => keepsService)
  compare('upstream', `${service}.mesh`, expected.upstream, (row) => keepsService || hasUsers(row))
  const isServiceTaken = isTaken('service', `mesh.${service}`)
  for (const name of [`mesh.${service}.host`, `mesh.${service}.path`]) {
    compare('route', name, isServiceTaken ? null : (expected.routes.get(name) ?? null), hasUsers)
  }
  if (!isTaken('upstream', `${service}.mesh`)) wrong.push(...wrongTargets(context, expected))
  return wrong
}

interface Context {
  readonly world: World
  readonly kong: Kong
  readonly service: string
  readonly isReverting: boolean
  readonly overrides: readonly Reported[]
}

function wrongFields(context: Context, kind: Kind, row: Row, fields: Fields): string[] {
  const wrong: string[] = []
  const actual = flatten(row)
  const named = `${kind} ${row.name ?? row.target}`
  const isBalancingEdited = editOf(context, row.id, 'algorithm') !== undefined
  for (const [field, wanted] of fields) {
    const edit = editOf(context, row.id, field)
    const value = actual.get(field)
    const isTheirs = edit !== undefined && isDeepStrictEqual(value, edit.value)
    const isOurs = isDeepStrictEqual(value, wanted)
    if (edit?.certainty === 'sure' ? isTheirs : isTheirs || isOurs) continue
    if (field === 'hash_on' && isBalancingEdited) continue
    wrong.push(
      `${named}: ${field} is ${text(value)}, not ${text(edit?.certainty === 'sure' ? edit.value : wanted)}`,
    )
  }
  const tags: string[] = row.tags ?? []
  for (const tag of ['managed-by:kongsul', `kongsul.mesh:${context.world.mesh}`]) {
    if (!tags.includes(tag)) wrong.push(`${named} lacks the tag ${tag}`)
  }
  return [...wrong, ...wrongReports(context, row, named)]
}

/** Each edit is reported, and nothing is that nobody edited. */
function wrongReports(context: Context, row: Row, named: string): string[] {
  const reported = new Set(context.overrides.filter(({ id }) => id === row.id).map(({ field }) => field))
  const wrong: string[] = []
  for (const { field, certainty, value } of context.world.edits.of(row.id)) {
    if (certainty !== 'sure') continue
    if (field !== 'slots' && !reported.has(field))
      wrong.push(`${named}: the edit of ${field} is not reported`)
    if (!isDeepStrictEqual(flatten(row).get(field), value))
      wrong.push(`${named}: the edit of ${field} is lost`)
  }
  for (const field of reported) {
    const isHealth = field === 'health' && (row.tags ?? []).includes('kongsul.override:health')
    if (isHealth || editOf(context, row.id, field) !== undefined) continue
    wrong.push(
      `${named}: ${field} is reported as an override (${text(flatten(row).get(field))}), and nobody edited it`,
    )
  }
  return wrong
}

function editOf({ world, isReverting }: Context, id: string, field: string): Edit | undefined {
  const edit = world.edits.get(id, field)
  return isReverting && edit?.field !== 'slots' ? undefined : edit
}

function wrongTargets(context: Context, expected: Expected): string[] {
  const { world, kong, service } = context
  const upstream = kong.upstream.find(({ name }) => name === `${service}.mesh`)
  if (upstream === undefined) return []
  const rows = kong.target.filter((row) => row.upstream.id === upstream.id && !world.foreign.has(row.id))
  const wrong: string[] = []
  for (const [target, weight] of expected.targets) {
    const row = rows.find((each) => each.target === target)
    if (row === undefined) wrong.push(`target ${target} of ${service} is missing`)
    // A last weight, which may be none where they never were healthy.
    else if (weight === 'kept') {
      wrong.push(...wrongReports(context, row, `target ${target} of ${service}`))
    } else wrong.push(...wrongFields(context, 'target', row, new Map([['weight', weight]])))
  }
  for (const row of rows) {
    if (!expected.targets.has(row.target))
      wrong.push(`target ${row.target} of ${service} should not be there`)
  }
  return wrong
}

/** A person whose entity has our name is told so. */
function unreported(
  world: World,
  kong: Kong,
  service: string,
  rows: readonly HealthRow[],
  problems: readonly { readonly code: string; readonly service: string }[],
): string[] {
  if (rows.length === 0) return []
  const names = [`${service}.mesh`, `mesh.${service}`]
  const taken = [...kong.upstream, ...kong.service].filter(
    ({ id, name }) => names.includes(name) && world.foreign.has(id),
  )
  const isTold = problems.some((problem) => problem.service === service && problem.code === 'NAME_CONFLICT')
  return taken.length > 0 && !isTold ? [`the conflict about ${taken[0].name} is not reported`] : []
}

/** Ours by its tags, of no service that there is. */
function strangers(world: World, kong: Kong): string[] {
  const services = [...world.services, 'kongsul-operator']
  const known = new Set(services.map((service) => `kongsul.service:${service}`))
  const ours = [...kong.upstream, ...kong.service, ...kong.route, ...kong.target].filter((row) =>
    row.tags?.includes(`kongsul.mesh:${world.mesh}`),
  )
  return ours
    .filter((row) => !row.tags.some((tag: string) => known.has(tag)))
    .map(({ name }) => `${name} is nobody's`)
}

async function changedForeign(world: World): Promise<string[]> {
  const wrong: string[] = []
  for (const { path, text: before } of world.foreign.values()) {
    const now = JSON.stringify((await world.read(path)).body)
    if (now !== before) wrong.push(`${path} is not ours and was ${before}, now ${now}`)
  }
  return wrong
}

/** Marks stand where a person says so, and nowhere else where Consul says passing. */
async function wrongHealth(world: World, kong: Kong): Promise<string[]> {
  const wrong: string[] = []
  for (const upstream of kong.upstream) {
    if (world.foreign.has(upstream.id)) continue
    for (const row of await world.list(`/upstreams/${upstream.id}/health`)) {
      const isClaimed = world.claims.has(row.id)
      // With a weight of theirs it is theirs to look after.
      if (row.weight === 0 || world.foreign.has(row.id) || world.edits.get(row.id, 'weight')) continue
      if (isClaimed !== (row.health === 'UNHEALTHY'))
        wrong.push(`${row.target} of ${upstream.name} is ${row.health}`)
    }
  }
  return wrong
}

/** By what others hung there, or by what was ours until its tags were taken away. */
function isUsed(world: World, id: string): boolean {
  return [...world.replica.all()].some(
    ({ row }) =>
      !row.tags?.includes(`kongsul.mesh:${world.mesh}`) &&
      [row.service?.id, row.route?.id, row.upstream?.id].includes(id),
  )
}

const text = (value: unknown): string => JSON.stringify(value) ?? 'absent'
