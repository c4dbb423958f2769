import type { Command } from 'commander'
import type { Explanation } from '../../sync/explain.ts'
import { callOperator, operatorDown } from '../call-operator.ts'
import { ASKING, addConfigOptions, commandConfig } from '../config-options.ts'
import { explainLines } from '../explain-lines.ts'
import { addOutputOption, ioOf } from '../output-option.ts'

interface Options {
  readonly header: readonly string[]
  readonly method: string
  readonly output?: string
}

const HELP = `
Routes are read from Kong and tried in Kong's own order; nothing is sent to any service.

Exit codes:
  0  a route takes the request
  1  no route does, or an error

Examples:
  kongsul explain http://web.mesh/
  kongsul explain /web/users -H "x-user: 7" --method POST`

/** `kongsul explain URL`. */
export function defineExplain(command: Command): void {
  command
    .description('Says which route of Kong takes a request, what it beat, and where the request goes.')
    .argument('<url>', 'URL, or a path on the proxy')
    .option('-H, --header <name:value>', 'a header of the request; may be repeated', collect, [])
    .option('--method <method>', 'its method', 'GET')
    .addHelpText('after', HELP)
    .action(async (url: string, options: Options) => {
      const { header, method, ...rest } = options
      const config = commandConfig(rest)
      const io = ioOf(options)
      const query = new URLSearchParams({ url, method })
      for (const each of header) query.append('header', each)
      const explanation = await callOperator<Explanation>(config, 'GET', `/explain?${query}`)
      if (explanation === null) throw operatorDown(config, `explaining ${url}`)
      if (io.format === 'json') io.json(explanation)
      else for (const line of explainLines(explanation, io)) io.print(line)
      if (explanation.route === null) process.exitCode = 1
    })
  addOutputOption(command)
  addConfigOptions(command, ASKING)
}

const collect = (text: string, before: readonly string[]): readonly string[] => [...before, text]
