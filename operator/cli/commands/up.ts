import type { Command } from 'commander'
import { addConfigOptions, commandConfig } from '../config-options.ts'
import { addOutputOption, ioOf } from '../output-option.ts'
import { runUp, type UpOptions } from '../up/run-up.ts'

const HELP = `
Everything runs as a process of its own on this machine: a Consul agent with its UI (an existing one with
CONSUL_HTTP_ADDR), the plugins (tracing and circuit breaker, on for every service), the dev gateway in place of Kong,
the operator, and web (2) -> api (3) -> store (2). A sample service that is killed is started again after 3 s, the
plugins after 1 s. When anything else ends, all of it is stopped.

POST /fail makes a sample service answer 500 for a minute (?seconds=N, 0 mends it) while its health check passes.

Exit codes:
  0  stopped by Ctrl-C or SIGTERM; with --check: every check passed
  1  something could not start or ended by itself; with --check: a check failed

Examples:
  kongsul up
  kongsul up --port proxy=9000 --port consul=9500
  kongsul up --check --free-ports
  CONSUL_HTTP_ADDR=127.0.0.1:8500 kongsul up`

/** `kongsul up`: a whole mesh on this machine. */
export function defineUp(command: Command): void {
  command
    .description(
      'Starts Consul, the plugins, the dev gateway, the operator and three sample services on this machine.',
    )
    .option('--check', 'test the running mesh instead of staying, then stop')
    .option('--free-ports', 'take free ports instead of the usual ones; chosen ports stay')
    .option('--verbose', 'print what the parts log')
    .addHelpText('after', HELP)
    .action(async (options: UpOptions & { readonly output?: string }) => {
      // Something may still be under way, a download for one: everything that matters has been stopped.
      process.exit(await runUp(commandConfig({ ...options }), options, ioOf(options)))
    })
  addOutputOption(command)
  addConfigOptions(command, ['consul', 'mesh', 'hostSuffix', 'resync'])
}
