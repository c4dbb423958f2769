import type { Command } from 'commander'
import type { ReleasedHolds } from '../../sync/holds.ts'
import { callOperator, operatorDown } from '../call-operator.ts'
import { ASKING, addConfigOptions, commandConfig } from '../config-options.ts'
import { counted } from '../counted.ts'
import { addOutputOption, ioOf } from '../output-option.ts'
import { whoAmI } from '../who-am-i.ts'

interface Accepted {
  readonly accepted: readonly ReleasedHolds[]
  readonly total: number
}

const HELP = `
When more than half of the instances (and more than ten), or all of at least three, vanish from Consul at once, their
removal from Kong waits for guard.holdSeconds (300): Consul may have lost its data. When more than half (and more than
ten) turn critical within 10 s, their weights stay as long. kongsul status tells what is held.

"accept" says that it is as it should be: it is applied at once. Any operator of the mesh can be asked.

Exit codes:
  0  done
  1  nothing is held, or an error

Examples:
  kongsul guard accept                   everything that is held
  kongsul guard accept web               of one service`

/** `kongsul guard accept [SERVICE]`. */
export function defineGuard(command: Command): void {
  command.description('Lets happen what is held because too much happened at once.')
  command.addHelpText('after', HELP)
  const accept = command
    .command('accept')
    .description('Lets happen now what is held.')
    .argument('[service]', 'Consul service; without one all')
    .helpOption('-h, --help', 'print help')
    .action(async (service: string | undefined, options: { readonly output?: string }) => {
      const io = ioOf(options)
      const config = commandConfig(options)
      const body = { by: whoAmI(), ...(service === undefined ? {} : { service }) }
      const answer = await callOperator<Accepted>(config, 'POST', '/guard/accept', body)
      if (answer === null) throw operatorDown(config, 'ending holds')
      if (io.format === 'json') io.json(answer)
      else for (const each of answer.accepted) io.print(acceptedLine(each))
    })
  addOutputOption(accept)
  addConfigOptions(accept, ASKING)
}

const acceptedLine = ({ kind, service, targets }: ReleasedHolds): string =>
  kind === 'removal'
    ? `${service}: ${counted(targets, 'removal')} let go.`
    : `${service}: ${counted(targets, 'critical instance')} no longer kept at the weight before.`
