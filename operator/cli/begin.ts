import { commandConfig } from './config-options.ts'
import { ioOf } from './output-option.ts'

/** What a command that asks the operator begins with. */
export function begin(options: { readonly output?: string }) {
  return { config: commandConfig({ ...options }), io: ioOf(options) }
}
