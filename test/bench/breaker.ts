// What a decision and its report cost, and a circuit in memory, beside two libraries in the same run.

import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { circuitBreaker, handleAll, SamplingBreaker } from 'cockatiel'
// @ts-expect-error: without types
import CircuitBreaker from 'opossum'
import { Breaker } from '../../plugins/breaker/breaker.ts'
import type { Outcome } from '../../plugins/breaker/outcome.ts'
import { compileSettings } from '../../plugins/breaker/settings.ts'
import { type Figure, type Part, percentile } from './figure.ts'

const CALLS = 1_000_000
const PEER_CALLS = 100_000
const ROUNDS = 7
const CIRCUITS = 10_000
/** The most that are remembered by default. */
const MEASURED = 20_000
const PEER_CIRCUITS = 1_000

export const breaker: Part = {
  name: 'breaker',
  about: 'a decision with its report, and the memory of a circuit',
  async run(log) {
    const service = nsPerCall(1, false)
    const many = nsPerCall(CIRCUITS, false)
    const instance = nsPerCall(1, true)
    const opossum = await nsPerPromise(opossumCall())
    const cockatiel = await nsPerPromise(cockatielCall())
    log(`opossum ${opossum.toFixed(0)} ns, cockatiel ${cockatiel.toFixed(0)} ns`)
    bytesPerCircuit(true) // compiles what it needs, which would be counted
    const bytes = bytesPerCircuit(false)
    const instanceBytes = bytesPerCircuit(true)
    const opossumBytes = await bytesPerPeer(opossumCall)
    const cockatielBytes = await bytesPerPeer(cockatielCall)
    const figures = (what: string, unit: string, goal: number, value: number, peers: [string, number][]) =>
      peers.map(
        ([peer, cost]): Figure => ({
          what,
          value,
          unit,
          goal,
          baseline: { what: peer, value: cost },
          maxRatio: 1,
        }),
      )
    const times: [string, number][] = [
      ['opossum 9', opossum],
      ['cockatiel 3.2.1', cockatiel],
    ]
    const sizes: [string, number][] = [
      ['opossum 9', opossumBytes],
      ['cockatiel 3.2.1', cockatielBytes],
    ]
    return [
      ...figures('decision + report, one service', 'ns', 200, service, times),
      { what: `decision + report, ${CIRCUITS} services in turn`, value: many, unit: 'ns' },
      { what: 'decision + report with one try, one service', value: instance, unit: 'ns' },
      ...figures('one service circuit with traffic', 'B', 500, bytes, sizes),
      { what: 'a service circuit and one instance circuit with traffic', value: instanceBytes, unit: 'B' },
    ]
  },
}

const settings = compileSettings({})
const keyOf = (index: number) => `0b1f7f5e-6f0d-4a4e-9a51-${String(index).padStart(12, '0')}`

function outcomesOf(circuits: number, hasTries: boolean): readonly Outcome[] {
  return Array.from({ length: circuits }, (_, index): Outcome => {
    const instance = `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}:8080`
    return {
      service: keyOf(index),
      startedAtMs: 0.5,
      status: 200,
      source: 'upstream',
      durationMs: 5,
      ttfbMs: 4,
      grpcStatus: null,
      tries: hasTries ? [{ instance, status: 200, ms: 5 }] : null,
    }
  })
}

/** A breaker that knows the services and instances of `outcomes`. */
function breakerFor(outcomes: readonly Outcome[]): Breaker {
  const made = new Breaker({ random: Math.random })
  for (const { service, tries } of outcomes) {
    made.setConfig(0, service, settings)
    if (tries !== null) made.setHealth(0, service, new Map([[tries[0]!.instance, 'healthy']]))
  }
  return made
}

/** Median over rounds; half a millisecond passes between calls, so that buckets move on. */
function nsPerCall(circuits: number, hasTries: boolean): number {
  const outcomes = outcomesOf(circuits, hasTries)
  const made = breakerFor(outcomes)
  let now = 1.5
  const round = () => {
    const startedAt = process.hrtime.bigint()
    for (let i = 0; i < CALLS; i += 1) {
      const outcome = outcomes[i % circuits]!
      now += 0.5
      if (made.decide(now, outcome.service) === 0) made.report(now, outcome)
    }
    return Number(process.hrtime.bigint() - startedAt) / CALLS
  }
  round()
  return percentile(Array.from({ length: ROUNDS }, round), 50)
}

type Call = () => Promise<unknown>

const succeed = async () => 200

function opossumCall(): Call {
  const made = new CircuitBreaker(succeed, { timeout: false })
  const call = () => made.fire()
  return Object.assign(call, { stop: () => made.shutdown() })
}

function cockatielCall(): Call {
  const made = circuitBreaker(handleAll, {
    halfOpenAfter: 10_000,
    breaker: new SamplingBreaker({ threshold: 0.5, duration: 10_000 }),
  })
  return () => made.execute(succeed)
}

async function nsPerPromise(call: Call): Promise<number> {
  const round = async () => {
    const startedAt = process.hrtime.bigint()
    for (let i = 0; i < PEER_CALLS; i += 1) await call()
    return Number(process.hrtime.bigint() - startedAt) / PEER_CALLS
  }
  await round()
  const samples: number[] = []
  for (let i = 0; i < ROUNDS; i += 1) samples.push(await round())
  stop(call)
  return percentile(samples, 50)
}

function bytesPerCircuit(hasTries: boolean): number {
  const outcomes = outcomesOf(MEASURED, hasTries) // with their keys they are the caller's, and not counted
  const before = bytesInUse()
  const made = breakerFor(outcomes)
  for (let i = 0; i < 3; i += 1) {
    for (const outcome of outcomes) {
      if (made.decide(i + 0.5, outcome.service) === 0) made.report(i + 0.5, outcome)
    }
  }
  const after = bytesInUse()
  if ([...made.circuits()].length !== MEASURED) throw new Error('circuits were lost while they were measured')
  return (after - before) / MEASURED
}

async function bytesPerPeer(create: () => Call): Promise<number> {
  const before = bytesInUse()
  const calls = Array.from({ length: PEER_CIRCUITS }, create)
  for (const call of calls) for (let i = 0; i < 3; i += 1) await call()
  const bytes = (bytesInUse() - before) / PEER_CIRCUITS
  calls.forEach(stop)
  return bytes
}

const stop = (call: Call): void => (call as { stop?: () => void }).stop?.()

/** Memory is compared after a full collection; the flag makes `gc` known to new contexts alone. */
setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

function bytesInUse(): number {
  for (let i = 0; i < 4; i += 1) collectGarbage()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}
