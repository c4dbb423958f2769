// One fault: the mesh starts, requests flow, the fault comes, is noticed, is healed; what clients got is the result.
import { flowing } from '../support/grey-fault.ts'
import { runKongsul } from '../support/kongsul-process.ts'
import type { Shot } from '../support/traffic.ts'
import { waitFor } from '../support/wait-for.ts'
import type { Bounds, Fault, Prepared, Result, Row } from './fault.ts'
import { type Stage, startStage } from './stage.ts'

/** Anything longer is a fault that is never over. */
const PATIENCE_MS = 120_000
/** So many answers in a row, without a failed one and from every instance, are a mesh that is whole. */
const WHOLE = 60

export async function runFault(fault: Fault<never>, say: (what: string) => void): Promise<Row> {
  const { name, what, peers = '', because = '' } = fault
  const row = { name, what, peers, because, date: new Date().toISOString().slice(0, 16) }
  let gateway = 'dev gateway'
  const notRun = fault.whyNot?.() ?? null
  if (notRun !== null) return { ...row, gateway, notRun, result: null }
  const cleanUps: (() => unknown)[] = []
  try {
    say('starting the mesh')
    const prepared: Prepared<never> = (await fault.setUp?.((cleanUp) => cleanUps.push(cleanUp))) ?? {
      resource: undefined as never,
    }
    const stage = await startStage(fault, prepared)
    cleanUps.push(() => stage.stop())
    if (stage.mesh.isKongGiven) gateway = `Kong ${(await stage.status()).kong.version}`
    const result = await watch(fault, stage, say)
    return { ...row, gateway, notRun, result }
  } finally {
    say('stopping it')
    for (const cleanUp of cleanUps.reverse()) await cleanUp()
  }
}

async function watch(fault: Fault<never>, stage: Stage<never>, say: (what: string) => void): Promise<Result> {
  const { traffic } = stage
  await fault.arrange?.(stage)
  await flowing(traffic)
  say('the fault')
  const atMs = traffic.nowMs()
  const isOver = new AbortController()
  const noticed = noticedAfter(fault, stage, isOver.signal)
  await fault.inject(stage)
  await passed(stage, atMs + fault.lastsMs)
  say('healing it')
  await fault.heal?.(stage)
  const healedMs = traffic.nowMs()
  const broken: string[] = []
  const orBroken = async (until: Promise<number>): Promise<number> => {
    try {
      return await until
    } catch (error) {
      broken.push((error as Error).message)
      return traffic.nowMs() - healedMs
    }
  }
  say('until it is whole')
  const [wholeMs, newServiceMs] = await Promise.all([
    orBroken(wholeAfter(stage, healedMs)),
    orBroken(servedAfter(stage)),
  ])
  isOver.abort()
  const noticedMs = await noticed
  const shots = (await traffic.stop()).filter(({ doneMs }) => doneMs >= atMs)
  say('comparing Kong with Consul')
  broken.push(...(await differences(stage)), ...((await fault.verify?.(stage, shots)) ?? []))
  const result = { ...resultOf(shots, atMs), noticedMs, wholeMs, newServiceMs }
  return { ...result, broken: [...broken, ...exceeded(fault.bounds, result, shots, healedMs)] }
}

/** From now, which is when the fault comes, until kongsul knows; null where that is not told, or never came. */
async function noticedAfter(
  { isNoticed }: Fault<never>,
  stage: Stage<never>,
  signal: AbortSignal,
): Promise<number | null> {
  if (isNoticed === undefined) return null
  const atMs = stage.traffic.nowMs()
  const isSo = async () => signal.aborted || (await isNoticed(stage))
  await waitFor(isSo, { deadlineMs: 2 * PATIENCE_MS, pollMs: 20, what: 'it being noticed' })
  return signal.aborted ? null : stage.traffic.nowMs() - atMs
}

async function passed({ traffic }: Stage<never>, untilMs: number): Promise<void> {
  const leftMs = Math.max(0, untilMs - traffic.nowMs())
  await waitFor(() => traffic.nowMs() > untilMs, { deadlineMs: leftMs + 30_000, what: 'the fault lasting' })
}

/** From the end of the fault until the first of the requests that show a whole mesh, ms. */
async function wholeAfter({ traffic, instances }: Stage<never>, healedMs: number): Promise<number> {
  const lastOnes = () => traffic.shots.filter(({ sentMs }) => sentMs >= healedMs).slice(-WHOLE)
  const isWhole = () => {
    const last = lastOnes()
    const serving = new Set(last.map(({ instance }) => instance))
    const isGood = last.length === WHOLE && last.every(({ status }) => status === 200)
    return isGood && instances.every(({ name }) => serving.has(name)) ? last : null
  }
  const last = await waitFor(isWhole, {
    deadlineMs: PATIENCE_MS,
    pollMs: 20,
    what: 'every instance serving and no request failing',
  })
  return Math.max(0, last[0]!.sentMs - healedMs)
}

/** Registers a service that nobody has seen; from its being in the catalog until it is served, ms. */
async function servedAfter({ mesh }: Stage<never>): Promise<number> {
  const name = mesh.service('fresh')
  const { port } = await mesh.startInstance(name)
  await waitFor(() => mesh.register({ id: name, name, port }).then(() => true), {
    deadlineMs: PATIENCE_MS,
    what: 'Consul taking a registration',
  })
  const isListed = async () =>
    ((await mesh.consul.request('GET', `/catalog/service/${name}`)) as []).length > 0
  await waitFor(isListed, { deadlineMs: PATIENCE_MS, pollMs: 5, what: 'a new service in the catalog' })
  const sinceMs = performance.now()
  const isServed = async () => (await mesh.get(name, '/')).status === 200
  await waitFor(isServed, { deadlineMs: PATIENCE_MS, pollMs: 5, what: 'a new service being served' })
  return performance.now() - sinceMs
}

/** What `kongsul plan` would still change, which is what was lost. */
async function differences({ mesh, status }: Stage<never>): Promise<readonly string[]> {
  // Only who leads knows what is left to do.
  const leader = async () => {
    for (const url of mesh.apiUrls)
      if (
        await status(url).then(
          ({ leading }) => leading,
          () => false,
        )
      )
        return url
    return null
  }
  const isAtRest = async () => {
    const { pending, failing } = await status((await leader())!)
    return pending.length + failing.length === 0
  }
  try {
    await waitFor(isAtRest, { deadlineMs: PATIENCE_MS, pollMs: 100, what: 'nothing being left to do' })
    const plan = await runKongsul(['plan'], {
      CONSUL_HTTP_ADDR: mesh.consul.url,
      KONG_ADMIN_URL: mesh.adminUrl,
      KONGSUL_ADDR: (await leader())!,
    })
    return plan.code === 0 ? [] : [`kongsul plan: ${(plan.stdout + plan.stderr).trim().slice(0, 400)}`]
  } catch (error) {
    return [(error as Error).message]
  }
}

function resultOf(shots: readonly Shot[], atMs: number) {
  const failed = shots.filter(({ status }) => status !== 200)
  const failures: Record<string, number> = {}
  for (const { status, error } of failed) {
    const how = status === 0 ? error : String(status)
    failures[how] = (failures[how] ?? 0) + 1
  }
  return {
    sent: shots.length,
    failed: failed.length,
    failures,
    failingMs: Math.max(0, ...failed.map(({ sentMs }) => sentMs - atMs)),
    slowestMs: Math.max(
      0,
      ...shots.filter(({ status }) => status !== 0).map(({ sentMs, doneMs }) => doneMs - sentMs),
    ),
  }
}

function exceeded(
  bounds: Bounds,
  result: Omit<Result, 'broken'>,
  shots: readonly Shot[],
  healedMs: number,
): readonly string[] {
  const afterHeal = shots.filter(({ status, sentMs }) => status !== 200 && sentMs > healedMs)
  const failingAfterHealMs = Math.max(0, ...afterHeal.map(({ sentMs }) => sentMs - healedMs))
  const all: readonly [what: string, is: number | null, most: number | undefined][] = [
    ['failed', result.failed, bounds.failed ?? 0],
    ['ms of failing', result.failingMs, bounds.failingMs],
    ['ms of failing after it was healed', failingAfterHealMs, bounds.failingAfterHealMs],
    ['ms of the slowest request', result.slowestMs, bounds.slowestMs],
    ['ms until it was noticed', result.noticedMs, bounds.noticedMs],
    ['ms until it was whole', result.wholeMs, bounds.wholeMs],
    ['ms until a new service was served', result.newServiceMs, bounds.newServiceMs ?? 1_000],
  ]
  return all.flatMap(([what, is, most]) =>
    is !== null && most !== undefined && is > most ? [`${Math.round(is)} ${what}, at most ${most}`] : [],
  )
}
