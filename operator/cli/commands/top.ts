import { setTimeout as delay } from 'node:timers/promises'
import { type Command, InvalidArgumentError } from 'commander'
import { begin } from '../begin.ts'
import { callOperator, operatorDown } from '../call-operator.ts'
import { ASKING, addConfigOptions } from '../config-options.ts'
import { addOutputOption } from '../output-option.ts'
import { serviceLines, type TopReport, topLines, wholeLines, worstFirst } from '../top-lines.ts'
import { LiveScreen } from '../up/live-screen.ts'

const HELP = `
Numbers are of the last minute and of every request. On a terminal the table is drawn again until Ctrl-C; in a pipe, with
--once and with -o json it is printed once.

Exit codes:
  0  done
  1  an error

Examples:
  kongsul top
  kongsul top --once
  kongsul top -o json | jq '.services[0]'      the worst one`

/** On a terminal: what is wrong with the worst services is to be seen as well. */
const MOST_ALERTS = 5

interface Options {
  readonly output?: string
  readonly once?: boolean
  readonly interval: number
}

/** `kongsul top`. */
export function defineTop(command: Command): void {
  command.description('Rate, errors and latency of every service, the worst first.')
  command.option('--once', 'print it once, on a terminal too')
  command.option('--interval <seconds>', 'how often it is drawn again', seconds, 2)
  command.addHelpText('after', HELP)
  command.action(async (options: Options) => {
    const { config, io } = begin(options)
    const read = async (): Promise<TopReport> => {
      const answer = await callOperator<TopReport>(config, 'GET', '/dashboard?history=0')
      if (answer === null) throw operatorDown(config, 'reading the numbers of the mesh')
      return answer
    }
    if (io.format === 'json') {
      const { mesh_metrics, services, alerts } = await read()
      io.json({ mesh_metrics, services: worstFirst(services), alerts })
      return
    }
    if (!io.isTTY || options.once === true) {
      for (const line of topLines(await read(), io)) io.print(line)
      return
    }
    const screen = new LiveScreen(process.stdout)
    const leaving = new AbortController()
    process.once('SIGINT', () => leaving.abort())
    try {
      while (!leaving.signal.aborted) {
        const report = await read()
        screen.draw(serviceLines(report, io), wholeLines(report, io, MOST_ALERTS))
        await delay(options.interval * 1_000, undefined, { signal: leaving.signal }).catch(() => {})
      }
    } finally {
      screen.close()
    }
  })
  addOutputOption(command)
  addConfigOptions(command, ASKING)
}

function seconds(text: string): number {
  const value = Number(text)
  if (!(value >= 0.2 && value <= 3_600)) throw new InvalidArgumentError('Give 0.2 to 3600 seconds.')
  return value
}
