import { resolve } from 'node:path'
import { type Command, InvalidArgumentError } from 'commander'
import type { Supervisor, SupervisorOptions } from '../../../plugins/server/process/supervisor.ts'
import type { ProcessConfig } from '../../config/load-config.ts'
import { CliError, explain } from '../cli-error.ts'
import { addConfigOptions, commandConfig } from '../config-options.ts'
import type { Io } from '../io.ts'
import { addOutputOption, ioOf } from '../output-option.ts'
import { programArguments } from '../package-root.ts'
import { exitWithParent } from '../up/exit-with-parent.ts'
import { describeOwner, readPortOwner } from '../up/port-owner.ts'

interface PluginsOptions {
  readonly socketDir?: string
  readonly plugin: readonly string[]
  readonly handlerMs: string
  readonly hangMs: string
  readonly host: string
  readonly pluginsPort?: string
  readonly printKongEnv?: boolean
  readonly output?: string
}

const HELP = `
One socket per plugin, and beside it a file with what Kong has to know about the plugin. Kong reads it once, at its
start: start this first. --print-kong-env prints the variables that Kong needs for these sockets and this feed, for a
shell or a file that it reads. KONGSUL_FEED_LINE_TOKEN among them is for this command: it has to run with the same.

  kongsul plugins --print-kong-env > kong.env
  set -a; . ./kong.env; set +a
  kongsul plugins &
  kong restart

Exit codes:
  0  stopped by SIGINT or SIGTERM; printed
  1  could not start

Examples:
  kongsul plugins
  kongsul plugins --socket-dir /run/kongsul --host 0.0.0.0
  kongsul plugins --plugin ./my-plugin.cjs`

/** `kongsul plugins`: the server that Kong's external plugins run in. */
export function definePlugins(command: Command): void {
  command
    .description('Runs the plugins that Kong calls over unix sockets, until it is stopped.')
    .option(
      '--socket-dir <dir>',
      'folder of the sockets ($XDG_RUNTIME_DIR/kongsul, or one in the temporary folder)',
    )
    .option(
      '--plugin <file>',
      "another plugin, in the form of Kong's JavaScript PDK; may be repeated",
      collect,
      [],
    )
    .option('--handler-ms <n>', 'how long a handler may hold up a request, in ms', '50')
    .option(
      '--hang-ms <n>',
      "a process silent for so long is replaced, in ms; less than Kong's lua_socket_read_timeout",
      '400',
    )
    .option('--host <address>', 'address of the metrics', '127.0.0.1')
    .option('--plugins-port <n>', 'port of the metrics; 0 takes a free one (8082, or port.plugins)')
    .option('--print-kong-env', 'print what Kong needs in its environment, and start nothing')
    .addHelpText('after', HELP)
    .action((options: PluginsOptions) => run(options))
  addOutputOption(command)
  addConfigOptions(command, ['log', 'feed', 'plugins', 'operators', 'otlp', 'kong'])
}

async function run(options: PluginsOptions): Promise<void> {
  const { socketDir, plugin, handlerMs, hangMs, host, pluginsPort, printKongEnv, output, ...flags } = options
  const io = ioOf(options)
  const config = commandConfig({
    ...flags,
    ...(pluginsPort === undefined ? {} : { portPlugins: pluginsPort }),
  })
  const { ports, logLevel } = config
  const { createLogger } = await import('../../telemetry/logger.ts')
  const { agentConfig } = await import('../agent-config.ts')
  const { feedToken } = await import('../../../plugins/outcomes/feed-token.ts')
  const { startSupervisor } = await import('../../../plugins/server/process/supervisor.ts')
  const { defaultSocketDir, isForeign } = await import('../../../plugins/server/process/socket-dir.ts')
  const dir = resolve(socketDir ?? defaultSocketDir(process.env))
  const lineToken = feedToken(config.plugins.lineToken)
  if (printKongEnv) return printEnvironment(io, { config, dir, lineToken, plugin })
  if (socketDir === undefined && isForeign(dir)) {
    throw new CliError('FOREIGN_FOLDER', {
      tried: `putting sockets into ${dir}`,
      answer: 'it belongs to another user',
      remedy: 'choose a folder of your own with --socket-dir',
    })
  }
  const limits = { handlerMs: positive('--handler-ms', handlerMs), hangMs: positive('--hang-ms', hangMs) }
  // mesh-tracing reads it there, also in Kong's own plugin server.
  process.env['KONGSUL_FEED_LINE_TOKEN'] = lineToken
  process.env['KONGSUL_PLUGINS_TRACES_PER_SECOND'] = String(config.plugins.tracesPerSecond)
  const agent = { ...agentConfig(config, process.env), lineToken }
  const supervisorOptions: SupervisorOptions = {
    socketDir: dir,
    pluginFiles: plugin,
    workerArgs: programArguments('plugin-worker'),
    workerSetup: {
      pluginFiles: plugin,
      handlerLimitMs: limits.handlerMs,
      hangMs: limits.hangMs,
      agent,
      logLevel,
    },
    metrics: { host, port: ports.plugins },
    hangMs: limits.hangMs,
    log: createLogger({ level: logLevel, component: 'plugins' }),
  }
  let stop = () => process.exit(0)
  // Before anything is started: whoever stops us early must leave nothing behind either.
  process.on('SIGINT', () => stop()).on('SIGTERM', () => stop())
  const server: Supervisor = await startSupervisor(supervisorOptions).catch(async (error) => {
    throw await startError(error, supervisorOptions)
  })
  let isStopping = false
  stop = (() => {
    if (isStopping) return
    isStopping = true
    void server.stop().then(() => process.exit(0))
  }) as typeof stop
  exitWithParent(stop)
  const facts = {
    metrics: `http://${host}:${server.metricsPort}`,
    feedPort: server.feedPort,
    socketDir: dir,
    plugins: server.sockets,
  }
  if (io.format === 'json') io.json(facts)
  else {
    io.print(
      `plugins: ${server.sockets.map((socket) => socket.plugin).join(', ')} on ${dir}, metrics ${facts.metrics}`,
    )
  }
}

async function printEnvironment(
  io: Io,
  {
    config,
    dir,
    lineToken,
    plugin,
  }: { config: ProcessConfig; dir: string; lineToken: string; plugin: readonly string[] },
): Promise<void> {
  const { kongEnvironment, shellLines } = await import('../../../plugins/server/kong-environment.ts')
  const { wantedPlugins } = await import('../../core/service-plugins.ts')
  const { loadPlugin } = await import('../../../plugins/server/form/load-plugin.ts')
  const others = await Promise.all(plugin.map(async (file) => (await loadPlugin(file)).name))
  const { outcomes } = config.operator
  const environment = {
    KONGSUL_FEED_LINE_TOKEN: lineToken,
    ...kongEnvironment({
      socketDir: dir,
      lineToken,
      feed:
        outcomes === 'observer'
          ? null
          : { host: reachable(config.plugins.feedHost), port: config.ports.feed },
      plugins: [...wantedPlugins(outcomes), ...others],
    }),
  }
  if (io.format === 'json') io.json(environment)
  else for (const line of shellLines(environment)) io.print(line)
}

/** An address of all interfaces is nobody's to send to. */
const reachable = (host: string): string => (host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host)

function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value]
}

function positive(flag: string, text: string): number {
  const value = Number(text)
  if (Number.isFinite(value) && value >= 1) return value
  throw new InvalidArgumentError(`${flag} is a number of milliseconds of at least 1, not "${text}".`)
}

async function startError(error: unknown, { metrics, socketDir }: SupervisorOptions): Promise<unknown> {
  const { code } = error as { code?: string }
  if (code === 'EADDRINUSE') {
    return new CliError('PORT_TAKEN', {
      tried: `listening on port ${metrics.port}`,
      answer: `it belongs to ${describeOwner(await readPortOwner(metrics.port))} (${explain(error)})`,
      remedy: 'stop that process, or choose another with --plugins-port',
    })
  }
  if (code === 'FEED_PORT') {
    return new CliError('PORT_TAKEN', {
      tried: "listening on UDP for Kong's access log",
      answer: explain(error),
      remedy: 'stop the other kongsul plugins, or choose another port with --port feed=N, for Kong too',
    })
  }
  if (code === 'IN_USE' || code === 'PATH_TOO_LONG') {
    return new CliError(code, {
      tried: `listening in ${socketDir}`,
      answer: explain(error),
      remedy:
        code === 'IN_USE'
          ? 'stop that kongsul plugins, or choose another folder with --socket-dir'
          : 'choose a shorter path with --socket-dir, for example /run/kongsul',
    })
  }
  if (code === 'EACCES' || code === 'EROFS' || code === 'ENOTDIR') {
    return new CliError('NO_FOLDER', {
      tried: `putting sockets into ${socketDir}`,
      answer: explain(error),
      remedy: 'choose a folder that this user may write with --socket-dir',
    })
  }
  return error
}
