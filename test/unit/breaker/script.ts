import { type Simulation, simulateBreaker } from '../../../operator/cli/simulate-breaker.ts'

type Fields = Record<string, unknown>

/** Writes a scenario call by call and runs it through the simulator. A call is an access and its outcome. */
export class Script {
  readonly #config: Fields
  readonly #instances: readonly string[]
  readonly #events: Fields[] = []
  #calls = 0

  constructor(config: Fields = {}, instances: readonly string[] = []) {
    this.#config = config
    this.#instances = instances
  }

  access(at: number, id = `call-${++this.#calls}`): string {
    this.#events.push({ at, access: id })
    return id
  }

  outcome(at: number, id: string, fields: Fields = {}): this {
    this.#events.push({ at, outcome: { id, status: 200, source: 'upstream', ...fields } })
    return this
  }

  /** Call after call at one moment. */
  calls(at: number, times: number, fields: Fields = {}): this {
    for (let i = 0; i < times; i += 1) this.outcome(at, this.access(at), { started_at: at, ...fields })
    return this
  }

  ok(at: number, times = 1, fields: Fields = {}): this {
    return this.calls(at, times, { status: 200, ...fields })
  }

  fail(at: number, times = 1, fields: Fields = {}): this {
    return this.calls(at, times, { status: 503, ...fields })
  }

  /** Calls that made one try each, all of one instance. */
  tries(at: number, instance: string, status: number | string, times = 1, fields: Fields = {}): this {
    const answer = typeof status === 'number' ? status : 502
    return this.calls(at, times, { status: answer, tries: [{ instance, status, ms: 1 }], ...fields })
  }

  set(at: number, set: Fields): this {
    this.#events.push({ at, set })
    return this
  }

  health(at: number, health: Record<string, string>): this {
    this.#events.push({ at, health })
    return this
  }

  look(at: number): this {
    this.#events.push({ at })
    return this
  }

  get input(): Fields {
    return { config: this.#config, instances: this.#instances, events: this.#events }
  }

  run(): Simulation {
    return simulateBreaker(this.input)
  }
}

/** `closed>open` and so on, of the service or of one instance. */
export const changes = ({ transitions }: Simulation, circuit = 'service'): string[] =>
  transitions.filter((each) => each.circuit === circuit).map(({ from, to }) => `${from}>${to}`)

export const stateAfter = (script: Script): string => script.run().final.state

/** Whether the last access was let through. */
export const isLastAdmitted = ({ decisions }: Simulation): boolean => decisions.at(-1)!.admitted
