// Changes of a mesh at a steady rate: instances come and go, checks flip, meta and ports are edited; and what the
// mesh is after each of them.
import { setTimeout as delay } from 'node:timers/promises'
import type { BulkCatalog, BulkInstance } from './bulk-catalog.ts'

export type ChurnKind = 'register' | 'deregister' | 'flip' | 'meta' | 'port'

/** One change, and which targets of Kong have to differ after it. */
export interface ChurnChange {
  readonly kind: ChurnKind
  readonly service: string
  /** `host:port` of the target that is written because of it; null when Kong has nothing to learn. */
  readonly target: string | null
  /** When it was sent to Consul, in ms of performance.now(). */
  readonly madeMs: number
  /** When Consul had taken it. */
  readonly takenMs: number
}

export interface ChurnOptions {
  readonly catalog: BulkCatalog
  readonly perSecond: number
  readonly seconds: number
  readonly seed: number
}

export interface ChurnResult {
  readonly changes: readonly ChurnChange[]
  /** Every instance there is in the end. */
  readonly instances: readonly BulkInstance[]
}

const LANES = 4
/** What was changed rests, so that each change has writes of its own to be measured by. */
const REST_MS = 2_000

/**
 * Never takes the last passing instance of a service away: what Kong should hold then is a matter of settings.
 * Lanes share no service, so changes of one service are taken in the order in which they are made.
 */
export async function churn(start: readonly BulkInstance[], options: ChurnOptions): Promise<ChurnResult> {
  const lanes = await Promise.all(Array.from({ length: LANES }, (_, lane) => runLane(start, lane, options)))
  return {
    changes: lanes.flatMap(({ changes }) => changes),
    instances: lanes.flatMap(({ instances }) => instances),
  }
}

/** What Kong should hold: weight above 0 or not, by service and target. */
export function expectedTargets(
  instances: readonly BulkInstance[],
): ReadonlyMap<string, Readonly<Record<string, boolean>>> {
  const services = new Map<string, Record<string, boolean>>()
  for (const { service, address, port, check } of instances) {
    const targets = services.get(service) ?? {}
    targets[`${address}:${port}`] = check !== 'critical'
    services.set(service, targets)
  }
  return services
}

async function runLane(
  start: readonly BulkInstance[],
  lane: number,
  { catalog, perSecond, seconds, seed }: ChurnOptions,
): Promise<ChurnResult> {
  const random = randomOf(seed + lane)
  const names = [...new Set(start.map(({ service }) => service))].filter((_, n) => n % LANES === lane)
  const services = new Map<string, BulkInstance[]>(names.map((name) => [name, []]))
  for (const instance of start) services.get(instance.service)?.push(instance)
  const restingUntilMs = new Map<string, number>()
  const changes: ChurnChange[] = []
  const count = Math.round((perSecond * seconds) / LANES)
  const startedMs = performance.now()
  for (let n = 0; n < count; n++) {
    const dueMs = startedMs + (n * 1000 * LANES) / perSecond
    if (dueMs > performance.now()) await delay(dueMs - performance.now()) // the rate
    const service = names[Math.floor(random() * names.length)]!
    const made = changeOf(services.get(service)!, `${lane}-${n}`, random, (id) => {
      return (restingUntilMs.get(id) ?? 0) <= performance.now()
    })
    if (made === null) continue
    const { kind, before, after } = made
    const madeMs = performance.now()
    if (after === null) await catalog.deregister(before!)
    else await catalog.register(after)
    const takenMs = performance.now()
    const id = (after ?? before)!.id
    restingUntilMs.set(id, takenMs + REST_MS)
    services.set(service, [
      ...services.get(service)!.filter((each) => each.id !== id),
      ...(after === null ? [] : [after]),
    ])
    const { address, port } = (after ?? before)!
    changes.push({ kind, service, madeMs, takenMs, target: kind === 'meta' ? null : `${address}:${port}` })
  }
  return { changes, instances: [...services.values()].flat() }
}

interface Made {
  readonly kind: ChurnKind
  readonly before: BulkInstance | null
  readonly after: BulkInstance | null
}

const KINDS: readonly ChurnKind[] = ['register', 'deregister', 'flip', 'flip', 'meta', 'port']

function changeOf(
  instances: readonly BulkInstance[],
  tag: string,
  random: () => number,
  isRested: (id: string) => boolean,
): Made | null {
  const rested = instances.filter(({ id }) => isRested(id))
  const before = rested[Math.floor(random() * rested.length)]
  if (before === undefined) return null
  const kind = KINDS[Math.floor(random() * KINDS.length)]!
  const passing = instances.filter(({ check }) => check === 'passing').length
  const isNeeded = before.check === 'passing' && passing < 3
  if (kind === 'flip' && !(isNeeded && before.check === 'passing')) {
    return { kind, before, after: { ...before, check: before.check === 'passing' ? 'critical' : 'passing' } }
  }
  if (kind === 'meta') return { kind, before, after: { ...before, meta: { build: tag } } }
  if (kind === 'port') return { kind, before, after: { ...before, port: portOf(random) } }
  if (kind === 'deregister' && !isNeeded) return { kind, before, after: null }
  const id = `${before.service}-${tag}`
  const address = `172.16.${Math.floor(random() * 256)}.${Math.floor(random() * 256)}`
  const after = { ...before, id, address, port: portOf(random), check: 'passing' as const }
  return { kind: 'register', before: null, after }
}

const portOf = (random: () => number): number => 20_000 + Math.floor(random() * 40_000)

/** Mulberry32: the same seed, the same churn. */
function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
