import type { Io } from '../io.ts'
import { StatusLine } from '../status-line.ts'

const REDRAW_EVERY_MS = 200

/** Tells what is under way on a terminal, and what is done everywhere but in JSON. */
export class Steps {
  readonly #io: Io
  readonly #line = new StatusLine(process.stderr)

  constructor(io: Io) {
    this.#io = io
  }

  /**
   * Runs one step. On success `ok`, its name and what `work` answers are printed; on failure `failed` and its name.
   * @param work is given a function that says what it waits for
   */
  async run(what: string, work: (waiting: (text: string) => void) => Promise<string>): Promise<void> {
    const startedAt = performance.now()
    let text = ''
    const draw = () => {
      const seconds = Math.round((performance.now() - startedAt) / 1000)
      this.#line.show(`...     ${what}${text === '' ? '' : `: ${text}`} (${seconds} s)`)
    }
    const live = setInterval(draw, REDRAW_EVERY_MS)
    draw()
    const { paint } = this.#io
    try {
      const done = await work((now) => {
        text = now
      })
      this.#line.show('')
      this.say(`${paint.green('ok')}      ${what}: ${done}`)
    } catch (error) {
      this.#line.show('')
      this.say(`${paint.red('FAILED')}  ${what}`)
      throw error
    } finally {
      clearInterval(live)
    }
  }

  /** A remark, on standard error, below no half-drawn line. */
  note(line: string): void {
    this.#line.show('')
    this.#io.note(line)
  }

  /** A line of its own; nothing in JSON. */
  say(line: string): void {
    if (this.#io.format === 'text') this.#io.print(line)
  }
}
