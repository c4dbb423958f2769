import pc from 'picocolors'

type Paint = ReturnType<typeof pc.createColors>

/** The terminal as commands see it. */
export interface Io {
  readonly format: 'text' | 'json'
  readonly isTTY: boolean
  /** Columns of the terminal, Infinity where there is none. */
  width(): number
  readonly paint: Paint
  /** Prints to standard output: the result. */
  print(line?: string): void
  /** Prints to standard error: progress and remarks, so that a pipe gets results only. */
  note(line: string): void
  /** Prints `value` as JSON to standard output. */
  json(value: unknown): void
}

/** Colour only on a terminal, and not with NO_COLOR (https://no-color.org) or TERM=dumb. */
export function terminalIo(format: 'text' | 'json', environment: NodeJS.ProcessEnv = process.env): Io {
  const isTTY = process.stdout.isTTY === true
  const plain = Boolean(environment['NO_COLOR']) || environment['TERM'] === 'dumb'
  return {
    format,
    isTTY,
    width: () => (isTTY ? (process.stdout.columns ?? 80) : Number.POSITIVE_INFINITY),
    paint: pc.createColors(isTTY && !plain && format === 'text'),
    print: (line = '') => void process.stdout.write(`${line}\n`),
    note: (line) => void process.stderr.write(`${line}\n`),
    json: (value) => void process.stdout.write(`${JSON.stringify(value, null, 2)}\n`),
  }
}
