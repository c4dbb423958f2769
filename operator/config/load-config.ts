import { existsSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { basename, join } from 'node:path'
import { legacyNetworks } from '../access/networks.ts'
import type { OutcomeWay } from '../core/service-plugins.ts'
import { adminUrls } from '../kong/admin-urls.ts'
import { FileNewsBoard } from '../secrets/file-news.ts'
import { FileSecret } from '../secrets/file-secret.ts'
import { HeaderFile } from '../secrets/header-file.ts'
import { TlsFiles } from '../secrets/tls-files.ts'
import { saysTls, type TlsConfig } from '../secrets/tls-options.ts'
import { tlsSetting } from '../secrets/tls-remedy.ts'
import type { NamedFile } from '../secrets/watched-files.ts'
import type { ConsulConfig, KongConfig, OperatorConfig, RedisConfig } from '../sync/operator-config.ts'
import { Secret } from '../telemetry/secret.ts'
import { ConfigError } from './config-error.ts'
import { type FileEntry, parseFile } from './parse-file.ts'
import { type ResolvedConfig, resolveConfig } from './resolve-config.ts'
import { PORT_NAMES, type PortName } from './settings-table.ts'

/** What a kongsul process runs with, and where each value came from. */
export interface ProcessConfig {
  readonly operator: OperatorConfig
  readonly ports: Readonly<Record<PortName, number>>
  /** The operator that status and plan ask. */
  readonly addr: string
  readonly operatorToken: Secret | undefined
  /** How operators are reached at https. */
  readonly operatorsTls: TlsConfig | undefined
  readonly plugins: PluginsConfig
  readonly logLevel: 'error' | 'warn' | 'info' | 'debug'
  readonly resolved: ResolvedConfig
  /** Tells of files that have changed. */
  readonly fileNews: FileNewsBoard
}

/** What a plugin process runs with besides Kong's Admin API and the feed's token. */
export interface PluginsConfig {
  readonly operators: readonly string[]
  /** undefined: the host's name. */
  readonly node: string | undefined
  /** In every line of the feed; undefined: made anew for each run. */
  readonly lineToken: string | undefined
  readonly feedHost: string
  /** Whether the operators get the spans of the gateway. */
  readonly tracesToOperators: boolean
  /** Of each service; 0: without limit. */
  readonly tracesPerSecond: number
  /** For the collector that the environment names. */
  readonly collector: { readonly headers: HeaderFile | undefined; readonly tls: TlsConfig | undefined }
}

type Environment = Readonly<Record<string, string | undefined>>

/**
 * Reads kongsul.yaml (or `configFile`), the environment and the flags.
 * @throws ConfigError naming every field that is wrong, its source and the fix.
 */
export function readConfig(
  flags: Readonly<Record<string, unknown>>,
  environment: Environment,
): ProcessConfig {
  const given = typeof flags['config'] === 'string' ? flags['config'] : environment['KONGSUL_CONFIG']
  const resolved = resolveConfig({ flags, environment, file: readConfigFile(given) })
  if (resolved.problems.length > 0) throw new ConfigError(resolved.problems)
  return assemble(resolved, environment)
}

/**
 * What a process runs with that has this environment alone, and no file.
 * @throws ConfigError
 */
export function configOf(environment: Environment): ProcessConfig {
  const resolved = resolveConfig({ flags: {}, environment, file: null })
  if (resolved.problems.length > 0) throw new ConfigError(resolved.problems)
  return assemble(resolved, environment)
}

function readConfigFile(given: string | undefined): { name: string; entries: readonly FileEntry[] } | null {
  const path = given ?? 'kongsul.yaml'
  if (!given && !existsSync(path)) return null
  const source = readText(path, given ? 'the file of --config' : 'the configuration file')
  const { entries, problems } = parseFile(source)
  if (problems.length > 0) throw new ConfigError(problems.map((problem) => `${path}: ${problem}`))
  return { name: given ? path : basename(path), entries }
}

function readText(path: string, what: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new ConfigError([
      `${what} cannot be read: ${(error as Error).message}. Mend the path or the permission.`,
    ])
  }
}

function assemble(resolved: ResolvedConfig, environment: Environment): ProcessConfig {
  const get = <T>(path: string): T => resolved.values.get(path)?.value as T
  const fileNews = new FileNewsBoard()
  /** The file that a setting names; the source is for messages of the start. */
  const named = (path: string): NamedFile | undefined => {
    const name = get<string | undefined>(path)
    return name === undefined
      ? undefined
      : { setting: `${path} (${resolved.values.get(path)!.source})`, path: name }
  }
  const secretOf = (tokenPath: string, filePath: string): Secret | undefined => {
    const token = get<string | undefined>(tokenPath)
    const file = named(filePath)
    if (file !== undefined) return orConfigError(() => new FileSecret(file, fileNews, token))
    return token ? new Secret(token) : undefined
  }
  const tlsOf = (prefix: string): TlsConfig | undefined => {
    const path = (name: string) => tlsSetting(prefix, name)
    const names = { ca: named(path('caFile')), cert: named(path('certFile')), key: named(path('keyFile')) }
    if ((names.cert === undefined) !== (names.key === undefined)) {
      const [given, missing] = names.cert === undefined ? ['keyFile', 'certFile'] : ['certFile', 'keyFile']
      throw new ConfigError([
        `${(names.cert ?? names.key)!.setting} is given without ${path(missing!)}. Give both, or take ${path(given!)} away.`,
      ])
    }
    const hasFiles = Object.values(names).some((file) => file !== undefined)
    const tls: TlsConfig = {
      files: hasFiles ? orConfigError(() => new TlsFiles(names, fileNews)) : undefined,
      rejectUnauthorized: get<boolean>(path('verify')),
      serverName: get<string | undefined>(path('serverName')),
    }
    return saysTls(tls) ? tls : undefined
  }
  const sealKey = named('secrets.keyFile')
  const headers = named('otlp.headersFile')
  const consul: ConsulConfig = {
    url: trimSlash(get<string>('consul.address')),
    token: secretOf('consul.token', 'consul.tokenFile'),
    datacenter: get<string | undefined>('consul.datacenter'),
    agentPort: get<number | undefined>('consul.agentPort'),
    tls: tlsOf('consul'),
  }
  const kong: KongConfig = {
    adminUrl: adminUrls({ adminUrl: get<string>('kong.adminUrl') }).join(','),
    tokenHeader: get<string>('kong.tokenHeader'),
    token: secretOf('kong.token', 'kong.tokenFile'),
    tls: tlsOf('kong'),
    timeoutMs: get<number>('kong.timeoutMs'),
    parallel: get<number>('kong.parallel'),
    snapshotDir: snapshotDir(get<string | undefined>('kong.snapshotDir'), environment),
  }
  const redisUrl = get<string | undefined>('redis.url')
  const redis: RedisConfig | undefined =
    redisUrl === undefined
      ? undefined
      : { url: new Secret(redisUrl), password: secretOf('', 'redis.passwordFile'), tls: tlsOf('redis') }
  const operatorsTls = tlsOf('operators')
  const webhooks = get<string | undefined>('alerts.webhook')
  const ports = Object.fromEntries(PORT_NAMES.map((name) => [name, get<number>(`port.${name}`)]))
  return {
    operator: {
      consul,
      kong,
      proxyUrl: trimSlash(get<string>('kong.proxyUrl')),
      proxyTls: tlsOf('kong.proxy'),
      api: {
        host: get<string>('api.host'),
        port: get<number>('port.api'),
        names: listOf(get<string | undefined>('api.names')),
        writeRate: { perSecond: get<number>('api.writeRate'), burst: 4 * get<number>('api.writeRate') },
        discoverTtlSeconds: get<number>('api.discoverTtlSeconds'),
        legacyNetworks: legacyNetworks(get<string>('access.legacy'))?.networks,
        tokenFiles: listOf(get<string | undefined>('access.tokenFiles')),
        token: secretOf('access.token', ''),
      },
      links: {
        grafana: get<string | undefined>('links.grafana'),
        prometheus: get<string | undefined>('links.prometheus'),
        jaeger: get<string | undefined>('links.jaeger'),
        runbook: get<string | undefined>('links.runbook'),
      },
      mesh: get<string>('mesh'),
      hostSuffix: get<string>('hostSuffix'),
      expose: get<'tagged' | 'all' | undefined>('expose.default'),
      resync: { cron: get<string>('resync.cron') },
      operatorsTls,
      overrides: { policy: get<'keep' | 'revert'>('overrides.policy') },
      outcomes: get<OutcomeWay>('kong.outcomes'),
      operator: {
        id: get<string | undefined>('operator.id'),
        advertise: get<string | undefined>('operator.advertise'),
      },
      feedToken: secretOf('feed.token', 'feed.tokenFile'),
      sealKey: sealKey && new Secret(readText(sealKey.path, sealKey.setting).trim()),
      redis,
      certificates: {
        folder: get<string | undefined>('certificates.folder'),
        sealKeyFile: get<string | undefined>('secrets.keyFile'),
        connectService: get<string | undefined>('connect.service'),
      },
      traces: {
        maxTraces: get<number | undefined>('traces.maxTraces'),
        maxMegabytes: get<number | undefined>('traces.maxMegabytes'),
        snapshotFile: get<string | undefined>('traces.snapshotFile'),
        exportUrl: get<string | undefined>('traces.exportUrl'),
        exportAuthorization: secretOf('traces.exportAuthorization', 'traces.exportAuthorizationFile'),
        exportTls: tlsOf('traces.export'),
      },
      alerts:
        webhooks === undefined
          ? undefined
          : {
              webhooks: listOf(webhooks),
              token: secretOf('alerts.webhookToken', 'alerts.webhookTokenFile'),
              tls: tlsOf('alerts'),
            },
      dryRun: get<boolean>('dryRun'),
    },
    ports: ports as Record<PortName, number>,
    addr: trimSlash(get<string>('addr')),
    plugins: {
      operators: (get<string | undefined>('plugins.operators') ?? `http://127.0.0.1:${ports['api']}`)
        .split(',')
        .map((operator) => trimSlash(operator.trim())),
      node: get<string | undefined>('plugins.node'),
      lineToken: get<string | undefined>('feed.lineToken'),
      feedHost: get<string>('feed.host'),
      tracesToOperators: get<boolean>('plugins.tracesToOperators'),
      tracesPerSecond: get<number>('plugins.tracesPerSecond'),
      collector: {
        headers: headers && orConfigError(() => new HeaderFile(headers, fileNews)),
        tls: tlsOf('otlp'),
      },
    },
    operatorToken: secretOf('', 'tokenFile'),
    operatorsTls,
    logLevel: get<ProcessConfig['logLevel']>('log.level'),
    resolved,
    fileNews,
  }
}

/** @throws ConfigError with what `make` says is wrong with a file */
function orConfigError<T>(make: () => T): T {
  try {
    return make()
  } catch (error) {
    throw new ConfigError([(error as Error).message])
  }
}

const listOf = (text: string | undefined): string[] =>
  text === undefined ? [] : text.split(',').map((each) => each.trim())

const trimSlash = (url: string): string => url.replace(/\/+$/, '')

/** Where nobody says: the XDG Base Directory Specification's folder for what outlives the process. */
function snapshotDir(given: string | undefined, environment: Environment): string | undefined {
  if (given === 'off') return undefined
  return (
    given ?? join(environment['XDG_STATE_HOME'] || join(homedir(), '.local', 'state'), 'kongsul', 'snapshots')
  )
}
