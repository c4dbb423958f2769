// Logs of the operator: one line an event, fields not prose. JSON where nobody looks at a terminal, a readable
// one-liner where somebody does. May import winston; everything else gets a `Logger` handed in.
import pc from 'picocolors'
import winston from 'winston'

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'
export type LogFields = Readonly<Record<string, unknown>>

/** What code may ask of a log. `fields` name `service`, `code` and so on; values of class `Secret` print redacted. */
export interface Logger {
  debug(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
}

export interface LoggerOptions {
  readonly level?: LogLevel
  /** Where lines go; stderr by default, so that stdout stays free for output. */
  readonly stream?: NodeJS.WritableStream & { readonly isTTY?: boolean }
  /** Names the process in each line, e.g. `operator`. */
  readonly component?: string
}

/** A winston logger behind the small `Logger` interface. */
export function createLogger({
  level = 'info',
  stream = process.stderr,
  component,
}: LoggerOptions = {}): Logger {
  const format = stream.isTTY === true ? readable() : winston.format.combine(stamp(), winston.format.json())
  const logger = winston.createLogger({
    level,
    format,
    transports: [new winston.transports.Stream({ stream })],
    ...(component === undefined ? {} : { defaultMeta: { component } }),
  })
  const write = (at: LogLevel) => (message: string, fields?: LogFields) => {
    logger.log({ level: at, message, ...plain(fields) })
  }
  return { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') }
}

/** A logger that says nothing, for tests and offline commands. */
export const silentLogger: Logger = { debug() {}, info() {}, warn() {}, error() {} }

const stamp = () =>
  winston.format(
    (info) => ({ time: new Date().toISOString(), ...info }) as winston.Logform.TransformableInfo,
  )()

const COLOURS = { error: pc.red, warn: pc.yellow, info: pc.green, debug: pc.dim } as const

function readable(): winston.Logform.Format {
  return winston.format.printf(({ level, message, component: _component, ...fields }) => {
    const colour = COLOURS[level as LogLevel] ?? ((text: string) => text)
    const time = new Date().toISOString().slice(11, 23)
    const rest = Object.entries(fields).map(([name, value]) => ` ${pc.dim(`${name}=`)}${short(value)}`)
    return `${pc.dim(time)} ${colour(level.padEnd(5))} ${String(message)}${rest.join('')}`
  })
}

function short(value: unknown): string {
  if (typeof value === 'string') return /[\s"]/.test(value) ? JSON.stringify(value) : value
  return JSON.stringify(value) ?? String(value)
}

/** Errors become their message (stack only at debug time, through the `stack` field somebody adds on purpose). */
function plain(fields: LogFields | undefined): Record<string, unknown> {
  const out: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(fields ?? {})) {
    if (value === undefined) continue
    out[name === 'message' || name === 'level' ? `${name}_` : name] =
      value instanceof Error ? value.message : value
  }
  return out
}
