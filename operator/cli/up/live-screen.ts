/** A block of lines at the bottom of a terminal that is drawn again in place; other lines scroll above it. */
export class LiveScreen {
  readonly #stream: NodeJS.WriteStream
  #drawn = 0
  #shows = ''

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream
    this.#stream.write('\u001b[?25l')
  }

  /** Draws the block. What does not fit the height of the terminal is left out of `table`, never of `closing`. */
  draw(table: readonly string[], closing: readonly string[]): void {
    const width = this.#stream.columns ?? 80
    const room = (this.#stream.rows ?? 24) - 1 - rowsOf(closing, width)
    const shown = rowsOf(table, width) > room ? [...fitting(table, room - 1, width), '…'] : table
    const lines = [...shown, ...closing]
    const shows = `${width} ${lines.join('\n')}`
    // Drawing the same again would take away what somebody is just selecting to copy.
    if (this.#drawn > 0 && shows === this.#shows) return
    this.#shows = shows
    this.#stream.write(`${this.#erase()}${lines.join('\n')}\n`)
    this.#drawn = rowsOf(lines, width)
  }

  /** Prints a line above the block; the next `draw` puts the block back. */
  log(line: string): void {
    this.#stream.write(`${this.#erase()}${line}\n`)
    this.#drawn = 0
  }

  /** Leaves the block where it is and gives the cursor back. */
  close(): void {
    this.#stream.write('\u001b[?25h')
  }

  #erase(): string {
    return this.#drawn > 0 ? `\u001b[${this.#drawn}A\u001b[0J` : ''
  }
}

/** The first lines, as many as there are rows for. */
function fitting(lines: readonly string[], rows: number, width: number): readonly string[] {
  let used = 0
  const end = lines.findIndex((line) => {
    used += rowsOf([line], width)
    return used > rows
  })
  return end < 0 ? lines : lines.slice(0, end)
}

/** Rows that lines take on a terminal that wraps them. */
function rowsOf(lines: readonly string[], width: number): number {
  return lines.reduce((sum, line) => sum + Math.max(1, Math.ceil(visible(line) / width)), 0)
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: ANSI colours begin with the escape character
const visible = (line: string): number => [...line.replaceAll(/\u001b\[[0-9;]*m/g, '')].length
