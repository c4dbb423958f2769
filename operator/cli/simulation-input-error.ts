/** An input of a simulator that is not what it should be. */
export class SimulationInputError extends Error {
  override readonly name = 'SimulationInputError'
  /** Where the fault is, like `config.extract[0]`; empty for the input as a whole. */
  readonly path: string
  readonly reason: string

  constructor(path: string, reason: string) {
    super(`${path === '' ? 'the input' : path}: ${reason}`)
    this.path = path
    this.reason = reason
  }
}
