import type { Command } from 'commander'
import { describeConfig } from '../../config/describe-config.ts'
import { SETTINGS } from '../../config/settings-table.ts'
import { addConfigOptions, commandConfig } from '../config-options.ts'
import { addOutputOption, ioOf } from '../output-option.ts'
import { formatTable } from '../table.ts'
import { addServiceConfig } from './config-service.ts'

const HELP = `
Exit codes:
  0  the configuration is good
  1  it is not: every wrong field is named with its source and the fix

Examples:
  kongsul config process
  kongsul config process --config /etc/kongsul.yaml -o json`

/** `kongsul config process`: settings of the process. `config get|set|explain SERVICE`: those of services. */
export function defineConfig(command: Command): void {
  command.description('Shows settings, of this process or of services, and sets those of services.')
  const child = command
    .command('process')
    .summary('settings of this process: value, source')
    .description('Every setting of the process, its value, and where that value comes from.')
    .addHelpText('after', HELP)
    .action((options) => {
      const io = ioOf(options)
      const rows = describeConfig(commandConfig(options).resolved)
      if (io.format === 'json') return io.json(rows)
      const table = formatTable(
        [{ title: 'SETTING' }, { title: 'VALUE', shrinks: true }, { title: 'SOURCE', shrinks: true }],
        rows.map(({ path, value, source }) => [
          path,
          value === null ? { text: '-', paint: io.paint.dim } : String(value),
          {
            text: source,
            paint: source === 'default' || source === 'not set' ? io.paint.dim : io.paint.cyan,
          },
        ]),
        { width: io.width(), heading: io.paint.bold },
      )
      for (const line of table) io.print(line)
    })
  addServiceConfig(command)
  addOutputOption(child)
  addConfigOptions(child, [...new Set(SETTINGS.map(({ path }) => path.split('.')[0]!))])
}
