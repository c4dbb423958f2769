import { type Command, Option } from 'commander'
import { type Io, terminalIo } from './io.ts'

/** Adds `-o text|json`. */
export function addOutputOption(command: Command): Command {
  return command.addOption(
    new Option('-o, --output <format>', 'text or json').choices(['text', 'json']).default('text'),
  )
}

/** The terminal in the format that was asked for. */
export function ioOf(options: { readonly output?: string }): Io {
  return terminalIo(options.output === 'json' ? 'json' : 'text')
}
