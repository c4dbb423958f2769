import { Argument, type Command } from 'commander'
import type { Adopted } from '../../sync/adopt.ts'
import { callOperator, operatorDown } from '../call-operator.ts'
import { ASKING, addConfigOptions, commandConfig } from '../config-options.ts'
import { addOutputOption, ioOf } from '../output-option.ts'

const HELP = `
Where somebody made an entity by hand under a name that kongsul would use, kongsul reports a conflict and touches
nothing. adopt creates ours in its place, moves the routes and plugins that hang on it, and removes it, in an order that
loses no request. Fields and targets that it had and ours has not are printed: set what you need again, in Consul or in Kong.
Replacing an upstream takes some seconds: every node of Kong has to see each step.

Exit codes:
  0  adopted
  1  an error

Examples:
  kongsul adopt service mesh.web
  kongsul adopt upstream web.mesh`

/** `kongsul adopt KIND NAME`. */
export function defineAdopt(command: Command): void {
  command
    .description('Takes over an entity that somebody made in Kong by hand under a name of kongsul.')
    .addArgument(
      new Argument('<kind>', 'upstream, service or route').choices(['upstream', 'service', 'route']),
    )
    .argument('<name>', 'its name in Kong')
    .addHelpText('after', HELP)
    .action(async (kind: string, name: string, options: { output?: string }) => {
      const io = ioOf(options)
      const config = commandConfig(options)
      const done = await callOperator<Adopted>(config, 'POST', '/adopt', { kind, name })
      if (done === null) throw operatorDown(config, `adopting ${kind} ${name}`)
      if (io.format === 'json') io.json(done)
      else {
        const moved = done.moved.length === 0 ? '' : `; moved to it: ${done.moved.join(', ')}`
        io.print(`${kind} ${name} of ${done.service} is kongsul's now${moved}.`)
        // An operator of another version does not tell.
        const { lost = [] } = done as Partial<Adopted>
        if (lost.length > 0) io.print('What it had and has not any more:')
        for (const each of lost) io.print(`  ${each}`)
      }
    })
  addOutputOption(command)
  addConfigOptions(command, ASKING)
}
