import type { Command } from 'commander'
import { revealed } from '../../telemetry/secret.ts'
import { begin } from '../begin.ts'
import { API, operatorDown } from '../call-operator.ts'
import { CliError } from '../cli-error.ts'
import { addConfigOptions } from '../config-options.ts'
import { addOutputOption } from '../output-option.ts'

const HELP = `
Prints one line for each event until Ctrl-C; with -o json one JSON object a line.

Exit codes:
  0  the operator has ended it
  1  an error

Examples:
  kongsul events
  kongsul events -o json | jq 'select(.event == "breaker")'`

/** `kongsul events`. */
export function defineEvents(command: Command): void {
  command.description('What happens in the mesh, as it happens: writes, health, breakers, overrides, alerts.')
  command.addHelpText('after', HELP)
  command.action(async (options: { output?: string }) => {
    const { config, io } = begin(options)
    const token = revealed(config.operatorToken)
    const url = `${config.addr}${API}/events`
    const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` }
    const answer = await fetch(url, { headers }).catch(() => null)
    if (answer === null) throw operatorDown(config, 'listening for events')
    if (!answer.ok || answer.body === null) {
      throw new CliError('OPERATOR_REFUSED', {
        tried: `GET ${url}`,
        answer: `${answer.status}: ${(await answer.text()).slice(0, 200)}`,
        remedy: 'set KONGSUL_TOKEN_FILE to a file with the token of this operator',
      })
    }
    for await (const { event, data } of eventsIn(answer.body as AsyncIterable<Uint8Array>)) {
      if (io.format === 'json') io.print(JSON.stringify({ event, data: JSON.parse(data) as unknown }))
      else io.print(`${event.padEnd(9)} ${data}`)
    }
  })
  addOutputOption(command)
  addConfigOptions(command, ['addr', 'tokenFile'])
}

/** Blocks of server-sent events; comments are left out. */
export async function* eventsIn(
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<{ readonly event: string; readonly data: string }> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of chunks) {
    rest += decoder.decode(chunk, { stream: true })
    const blocks = rest.split('\n\n')
    rest = blocks.pop()!
    for (const block of blocks) {
      const [, event = ''] = /^event: (.*)$/m.exec(block) ?? []
      const [, data = ''] = /^data: (.*)$/m.exec(block) ?? []
      if (data !== '') yield { event, data }
    }
  }
}
