import type { Command } from 'commander'
import { CliError, explain } from '../cli-error.ts'
import { addConfigOptions, commandConfig } from '../config-options.ts'
import { addOutputOption, ioOf } from '../output-option.ts'
import { exitWithParent } from '../up/exit-with-parent.ts'
import { describeOwner, readPortOwner } from '../up/port-owner.ts'

interface GatewayOptions {
  readonly host: string
  readonly proxyPort?: string
  readonly proxyTlsPort?: string
  readonly adminPort?: string
  readonly state?: string
  readonly dbless?: boolean
  readonly dbUpdateFrequency?: string
  readonly output?: string
}

const HELP = `
It behaves as Kong 3.9 does for what kongsul uses, and no more. Never use it in production: run Kong there.
It reads KONG_PLUGINS, KONG_PLUGINSERVER_*, KONG_NGINX_PROXY_ACCESS_LOG and KONG_NGINX_HTTP_LOG_FORMAT as Kong does.

Exit codes:
  0  stopped by SIGINT or SIGTERM
  1  could not start

Examples:
  kongsul gateway
  kongsul gateway --proxy-port 9000 --admin-port 9001 --state ./gateway.json
  kongsul gateway --dbless`

/** `kongsul gateway`: the stand-in for Kong. */
export function defineGateway(command: Command): void {
  command
    .description(
      'Runs the dev gateway: a stand-in for Kong on a laptop or in tests. Empty and in memory at first.',
    )
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--proxy-port <n>', 'proxy port; 0 takes a free one (8000, or port.proxy)')
    .option('--proxy-tls-port <n>', 'proxy port for TLS; none when not given')
    .option('--admin-port <n>', 'Admin API port; 0 takes a free one (8001, or port.admin)')
    .option('--state <file>', 'keep the configuration in this file; gateways with the same one are a cluster')
    .option(
      '--db-update-frequency <seconds>',
      'how often changes of other nodes are looked for; needs --state (5, or KONG_DB_UPDATE_FREQUENCY)',
    )
    .option(
      '--dbless',
      'without database: the configuration comes from POST /config (also KONG_DATABASE=off)',
    )
    .addHelpText('after', HELP)
    .action((options: GatewayOptions) => run(options))
  addOutputOption(command)
  addConfigOptions(command, ['log'])
}

async function run(options: GatewayOptions): Promise<void> {
  const { host, proxyPort, proxyTlsPort, adminPort, state, dbless, dbUpdateFrequency, output, ...flags } =
    options
  const io = ioOf(options)
  const { ports, logLevel } = commandConfig({
    ...flags,
    ...(proxyPort === undefined ? {} : { portProxy: proxyPort }),
    ...(adminPort === undefined ? {} : { portAdmin: adminPort }),
    ...(proxyTlsPort === undefined ? {} : { portProxyTls: proxyTlsPort }),
  })
  const { createLogger } = await import('../../telemetry/logger.ts')
  const { startGateway } = await import('../../../kong/gateway/gateway.ts')
  const log = createLogger({ level: logLevel, component: 'gateway' })
  const listening = {
    host,
    proxyPort: ports.proxy,
    adminPort: ports.admin,
    ...(proxyTlsPort === undefined ? {} : { proxyTlsPort: ports.proxyTls }),
  }
  const gateway = await startGateway({
    ...listening,
    ...(state === undefined ? {} : { stateFile: state }),
    ...(dbless === undefined ? {} : { dbless }),
    log,
    env:
      dbUpdateFrequency === undefined
        ? process.env
        : { ...process.env, KONG_DB_UPDATE_FREQUENCY: dbUpdateFrequency },
  }).catch(async (error) => {
    throw await startError(error, listening)
  })
  const facts = {
    proxy: `http://${host}:${gateway.proxyPort}`,
    proxyTls: gateway.proxyTlsPort === undefined ? null : `https://${host}:${gateway.proxyTlsPort}`,
    admin: `http://${host}:${gateway.adminPort}`,
  }
  if (io.format === 'json') io.json(facts)
  else {
    io.print(
      `dev gateway, a stand-in for Kong, not for production: proxy ${facts.proxy}` +
        `${facts.proxyTls ? ` and ${facts.proxyTls}` : ''}, Admin API ${facts.admin}`,
    )
  }
  let stopping = false
  const stop = () => {
    if (stopping) return
    stopping = true
    void gateway.close().then(() => process.exit(0))
  }
  process.on('SIGINT', stop).on('SIGTERM', stop)
  exitWithParent(stop)
}

async function startError(error: unknown, ports: Readonly<Record<string, unknown>>): Promise<unknown> {
  const { code, port } = error as { code?: string; port?: number }
  if (code !== 'EADDRINUSE' || port === undefined) return error
  const name = Object.keys(ports).find((key) => ports[key] === port) ?? 'proxyPort'
  return new CliError('PORT_TAKEN', {
    tried: `listening on port ${port}`,
    answer: `it belongs to ${describeOwner(await readPortOwner(port))} (${explain(error)})`,
    remedy: `stop that process, or choose another with --${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`,
  })
}
