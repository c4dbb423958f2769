import { type Command, InvalidArgumentError, Option } from 'commander'
import { type ProcessConfig, readConfig } from '../config/load-config.ts'
import { environmentOf, flagKeyOf, flagOf, type Setting } from '../config/setting.ts'
import { PORT_NAMES, type PortName, SETTINGS } from '../config/settings-table.ts'

export const CONFIGURATION = 'Configuration (flags > environment > file > defaults):'

/** Settings of a command that asks the operator. */
export const ASKING: readonly string[] = ['addr', 'tokenFile', 'operators']

/** Settings of a command that decides by itself what Kong should hold, and asks the operator where one runs. */
export const DECIDING: readonly string[] = [
  ...ASKING,
  'consul',
  'kong',
  'mesh',
  'hostSuffix',
  'expose',
  'overrides',
]

/** Adds --config and a flag for every setting whose path starts with one of `prefixes`. */
export function addConfigOptions(command: Command, prefixes: readonly string[]): Command {
  command.optionsGroup(CONFIGURATION)
  command.option('--config <file>', 'configuration file; kongsul.yaml in this folder where there is one')
  for (const setting of SETTINGS) {
    if (setting.path.startsWith('port.')) continue
    if (prefixes.some((prefix) => setting.path === prefix || setting.path.startsWith(`${prefix}.`))) {
      command.addOption(optionOf(setting))
    }
  }
  command.option('--port <name=n>', `a port by name: ${PORT_NAMES.join(', ')}; may be repeated`, collectPort)
  for (const name of PORT_NAMES) {
    const setting = SETTINGS.find(({ path }) => path === `port.${name}`)!
    command.addOption(optionOf(setting).hideHelp())
  }
  return command.optionsGroup('Options:')
}

/** Reads the configuration of a command; warnings go to standard error. */
export function commandConfig(options: Readonly<Record<string, unknown>>): ProcessConfig {
  const { port, ...flags } = options
  const config = readConfig({ ...flags, ...(port as PortFlags | undefined) }, process.env)
  for (const warning of config.resolved.warnings) process.stderr.write(`warning: ${warning}\n`)
  return config
}

/** `{portProxy: '9000'}`: as if `--port-proxy 9000` had been given. */
type PortFlags = Readonly<Record<string, string>>

function collectPort(text: string, before: PortFlags | undefined): PortFlags {
  const [name = '', value = ''] = text.split('=', 2)
  if (!PORT_NAMES.includes(name as PortName) || value === '') {
    throw new InvalidArgumentError(
      `Give NAME=N with one of ${PORT_NAMES.join(', ')}, for example proxy=9000.`,
    )
  }
  return { ...before, [flagKeyOf(`port.${name}`)]: value }
}

function optionOf(setting: Setting): Option {
  const isSwitch = setting.kind === 'boolean'
  return new Option(`${flagOf(setting.path)} ${isSwitch ? '[true|false]' : '<value>'}`, describe(setting))
}

function describe(setting: Setting): string {
  const names = [environmentOf(setting.path), ...(setting.environment ?? [])]
  const fallback = setting.fallback === undefined ? '' : ` (${String(setting.fallback)})`
  return `${setting.help}${fallback} [${names.at(-1)}]`
}
