import { join } from 'node:path'
import type { Command } from 'commander'
import { CliError, explain } from '../cli-error.ts'
import { addConfigOptions, commandConfig } from '../config-options.ts'
import { showFirstSync } from '../first-sync-progress.ts'
import { addOutputOption, ioOf } from '../output-option.ts'
import { packageRoot, packageVersion } from '../package-root.ts'
import { StatusLine } from '../status-line.ts'
import { exitWithParent } from '../up/exit-with-parent.ts'
import { describeOwner, readPortOwner } from '../up/port-owner.ts'

const HELP = `
It needs no state of its own: what it last wrote is in tags on Kong's entities, so it may be restarted at any time.
Neither Consul nor Kong has to be there when it starts. Logs go to standard error.

Exit codes:
  0  stopped by SIGINT or SIGTERM
  1  could not start

Examples:
  kongsul operator
  kongsul operator --dry-run
  CONSUL_HTTP_ADDR=consul:8500 KONG_ADMIN_URL=http://kong:8001 kongsul operator --expose-default all`

/** `kongsul operator`: follows Consul and keeps Kong equal to it. */
export function defineOperator(command: Command): void {
  command
    .description('Watches Consul and keeps Kong equal to it, until it is stopped.')
    .addHelpText('after', HELP)
    .action((options: { output?: string }) => run(options))
  addOutputOption(command)
  addConfigOptions(command, [
    ...['consul', 'kong', 'mesh', 'hostSuffix', 'expose', 'resync', 'overrides', 'operator', 'dryRun'],
    ...['redis', 'certificates', 'connect', 'secrets', 'traces', 'alerts', 'operators', 'api', 'log'],
  ])
}

async function run(options: { output?: string }): Promise<void> {
  const io = ioOf(options)
  const { operator: config, logLevel, fileNews } = commandConfig(options)
  const { createLogger } = await import('../../telemetry/logger.ts')
  const { startOperator } = await import('../../sync/operator.ts')
  const line = new StatusLine(process.stderr)
  const log = createLogger({ level: logLevel, component: 'operator', stream: line })
  fileNews.listen(log)
  const version = packageVersion()
  const dashboard = join(packageRoot(), 'dist', 'dashboard')
  const operator = await startOperator(config, { log, version, dashboard }).catch(async (error) => {
    throw await startError(error, config.api)
  })
  const facts = {
    url: operator.url,
    consul: config.consul.url,
    kong: config.kong.adminUrl,
    mesh: config.mesh,
    dryRun: config.dryRun,
  }
  if (io.format === 'json') io.json(facts)
  else {
    io.print(
      `operator ${version}: API ${facts.url}, Consul ${facts.consul}, Kong ${facts.kong}, mesh ${facts.mesh}` +
        `${facts.dryRun ? ', dry run: nothing is written' : ''}`,
    )
  }
  const stopProgress = showFirstSync(() => operator.firstSync(), { line, log })
  let stopping = false
  const stop = () => {
    if (stopping) return
    stopping = true
    stopProgress()
    void operator.stop().finally(() => process.exit(0))
  }
  process.on('SIGINT', stop).on('SIGTERM', stop)
  exitWithParent(stop)
}

async function startError(error: unknown, { host, port }: { host: string; port: number }): Promise<unknown> {
  const { code } = ((error as Error).cause ?? error) as { code?: string }
  if (code !== 'EADDRINUSE') return error
  return new CliError('PORT_TAKEN', {
    tried: `listening on ${host}:${port} for the operator's API`,
    answer: `it belongs to ${describeOwner(await readPortOwner(port))} (${explain(error)})`,
    remedy: 'stop that process, or choose another port with --port api=N (KONGSUL_PORT_API)',
  })
}
