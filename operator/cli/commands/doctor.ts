import type { Command } from 'commander'
import { addConfigOptions, commandConfig } from '../config-options.ts'
import { counted } from '../counted.ts'
import type { Finding } from '../doctor/finding.ts'
import { runDoctor } from '../doctor/run-doctor.ts'
import type { Io } from '../io.ts'
import { addOutputOption, ioOf } from '../output-option.ts'

const HELP = `
It looks at Node, ports, Consul (version, leader, what the token may read), Kong (version, database,
worker_state_update_frequency, router, plugins, access log), the operator, the processes of the plugins, whether Kong
reaches them, addresses that Kong cannot reach, and what the proxy does not serve. Where Kong has not called the plugins yet
it sends one HEAD through the proxy to a service.

Exit codes:
  0  nothing wrong; there may be warnings
  1  something is wrong

Examples:
  kongsul doctor
  kongsul doctor --kong-admin-url http://kong:8001 -o json`

/** `kongsul doctor`: what is wrong and how to mend it. */
export function defineDoctor(command: Command): void {
  command
    .description('Looks for what is wrong, and says how to mend it. Changes nothing.')
    .addHelpText('after', HELP)
    .action(async (options: { output?: string }) => {
      const io = ioOf(options)
      const findings = await runDoctor(commandConfig(options))
      const healthy = findings.every(({ level }) => level !== 'problem')
      if (io.format === 'json') io.json({ healthy, findings })
      else print(findings, io)
      process.exitCode = healthy ? 0 : 1
    })
  addOutputOption(command)
  addConfigOptions(command, ['addr', 'consul', 'kong', 'mesh', 'hostSuffix', 'expose'])
}

function print(findings: readonly Finding[], { print: line, paint }: Io): void {
  const marks = {
    ok: paint.green('ok     '),
    warning: paint.yellow('warning'),
    problem: paint.red('PROBLEM'),
  }
  for (const { area, level, found, mend } of findings) {
    line(`${marks[level]}  ${area.padEnd(9)}  ${found}`)
    if (mend) line(`${' '.repeat(20)}-> ${mend}`)
  }
  const count = (level: Finding['level']) => findings.filter((finding) => finding.level === level).length
  line(`${counted(count('problem'), 'problem')}, ${counted(count('warning'), 'warning')}.`)
}
