import { CHECK_TIMEOUT_MS } from '../../../operator/leader/timing.ts'
import { FakeConsul } from './fake-consul.ts'
import { FakeNetwork } from './fake-network.ts'
import { FakeOperator, type World } from './fake-operator.ts'

export type Fault =
  | 'freeze'
  | 'wake'
  | 'kill'
  | 'restart'
  | 'leave'
  | 'cutFromConsul'
  | 'cutFromPeers'
  | 'heal'
  | 'destroySession'

const TURN_MS = 25
const PROBE_EVERY_MS = 1000

/** Several operators, a Consul and the wires between them; everything random comes from `seed`. */
export class FakeMesh {
  readonly #world: World
  readonly #ids: readonly string[]
  readonly #check: 'http' | 'ttl'

  constructor(size: number, seed: number, check: 'http' | 'ttl', slowShare = 0.1) {
    const random = randomFrom(seed)
    const network = new FakeNetwork(random, slowShare)
    this.#world = { consul: new FakeConsul(random), network, random, operators: new Map() }
    this.#ids = Array.from({ length: size }, (_, at) => `o${at}`)
    this.#check = check
    for (const id of this.#ids) {
      this.#start(id)
      if (check === 'http') network.after(random() * PROBE_EVERY_MS, () => this.#probe(id))
    }
  }

  /** Ids of all operators that would send a write now. */
  writers(): readonly string[] {
    return [...this.#world.operators.values()].filter((operator) => operator.writes()).map(({ id }) => id)
  }

  advance(ms: number, afterTurn: () => void): void {
    const { network, consul, operators } = this.#world
    const until = network.now + ms
    while (network.now < until) {
      network.advance(TURN_MS)
      consul.advance(network.now)
      for (const operator of operators.values()) {
        operator.run()
        afterTurn()
      }
    }
  }

  inject(fault: Fault, at: number): void {
    const { network, consul, operators } = this.#world
    const id = this.#ids[at % this.#ids.length]!
    const operator = operators.get(id)!
    if (fault === 'freeze') operator.frozen = true
    if (fault === 'wake') operator.frozen = false
    if (fault === 'kill') operator.dead = true
    if (fault === 'restart') {
      operator.dead = true
      this.#start(id)
    }
    if (fault === 'leave' && operator.runs) operator.leave()
    if (fault === 'cutFromConsul') network.cut(id, 'consul')
    if (fault === 'cutFromPeers') for (const other of this.#ids) if (other !== id) network.cut(id, other)
    if (fault === 'heal') {
      network.heal(id, 'consul')
      for (const other of this.#ids) network.heal(id, other)
    }
    if (fault === 'destroySession' && consul.row.heldBy !== null) consul.destroy(consul.row.heldBy)
  }

  /** Everything runs and is connected again. */
  repair(): void {
    this.#world.network.healAll()
    for (const id of this.#ids) {
      const operator = this.#world.operators.get(id)!
      operator.frozen = false
      if (operator.dead) this.#start(id)
    }
  }

  #start(id: string): void {
    this.#world.operators.set(id, new FakeOperator(this.#world, id, this.#check))
  }

  /** Consul's own check: refused at once by a dead process, unanswered by a frozen or cut-off one. */
  #probe(id: string): void {
    const { network, consul, operators } = this.#world
    const operator = () => operators.get(id)!
    const next = () => network.after(PROBE_EVERY_MS, () => this.#probe(id))
    if (operator().runs && network.connected(id, 'consul')) consul.setCheck(id, 'passing')
    else if (operator().dead && network.connected(id, 'consul')) consul.setCheck(id, 'critical')
    else {
      network.after(CHECK_TIMEOUT_MS, () => {
        consul.setCheck(id, 'critical')
        next()
      })
      return
    }
    next()
  }
}

/** mulberry32 */
function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
