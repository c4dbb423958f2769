import { z } from 'zod'
import { DEFAULT_TRACES_PER_SECOND } from '../../plugins/mesh-tracing/trace-budget.ts'
import { LINE_TOKEN } from '../../plugins/outcomes/log-format.ts'
import { legacyNetworks } from '../access/networks.ts'
import { OUTCOME_WAYS } from '../core/service-plugins.ts'
import { hasCredentials, type Setting } from './setting.ts'
import { tlsSettings } from './tls-settings.ts'

const httpUrl = z.url({ protocol: /^https?$/, message: 'is not an http:// or https:// address' })
/** Addresses are shown in logs, status and errors. */
const CREDENTIALS = 'holds a user or a password, and addresses are shown: give a token by its own setting'
const url = httpUrl.refine((value) => !hasCredentials(value), CREDENTIALS)
const urls = z
  .string()
  .refine((value) => value.split(',').every((each) => httpUrl.safeParse(each.trim()).success), {
    message: 'is not an http:// or https:// address, or several separated by commas',
  })
  .refine((value) => !value.split(',').some((each) => hasCredentials(each)), CREDENTIALS)
const text = z.string().min(1, 'is empty')
const flag = z.boolean('is neither true nor false')
const port = z
  .number('is not a number')
  .int('is not a whole number')
  .min(0, 'is below 0')
  .max(65_535, 'is above 65535')
const dnsName = z
  .string()
  .regex(
    /^(?=.{1,200}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/,
    'is not a DNS name',
  )
const cronField = String.raw`[\d*,/\-A-Za-z]+`
const cron = z
  .string()
  .regex(new RegExp(`^${cronField}( +${cronField}){4,5}$`), 'is not a cron expression of 5 or 6 fields')

function atLeastOne(max: number) {
  return z
    .number('is not a number')
    .int('is not a whole number')
    .min(1, 'is below 1')
    .max(max, `is above ${max}`)
}

function portSetting(name: string, fallback: number, help: string): Setting {
  return { path: `port.${name}`, kind: 'number', schema: port, fallback, help, example: String(fallback) }
}

function file(path: string, environment: readonly string[], help: string): Setting {
  return { path, kind: 'text', schema: text, environment, help, example: '/etc/kongsul/file.pem' }
}

function secret(path: string, environment: readonly string[], help: string): Setting {
  return { path, kind: 'text', schema: text, environment, secret: true, help, example: '(the token)' }
}

/** Every setting of the process, in the order they are read and printed: consul.ssl decides consul.address's scheme. */
export const SETTINGS: readonly Setting[] = [
  {
    path: 'consul.ssl',
    kind: 'boolean',
    schema: flag,
    environment: ['CONSUL_HTTP_SSL'],
    fallback: false,
    help: 'use https where consul.address names no scheme',
    example: 'true',
  },
  {
    path: 'consul.address',
    kind: 'text',
    schema: url,
    environment: ['CONSUL_HTTP_ADDR'],
    help: 'Consul agent, http(s)://host:port; follows port.consul when not given',
    example: 'http://127.0.0.1:8500',
  },
  secret('consul.token', ['CONSUL_HTTP_TOKEN'], 'ACL token for Consul'),
  file('consul.tokenFile', ['CONSUL_HTTP_TOKEN_FILE'], 'file holding the ACL token; wins over consul.token'),
  ...tlsSettings('consul', "Consul's", 'Consul', {
    caFile: ['CONSUL_CACERT'],
    certFile: ['CONSUL_CLIENT_CERT'],
    keyFile: ['CONSUL_CLIENT_KEY'],
    serverName: ['CONSUL_TLS_SERVER_NAME'],
    verify: ['CONSUL_HTTP_SSL_VERIFY'],
  }),
  {
    path: 'consul.datacenter',
    kind: 'text',
    schema: text,
    help: "datacenter to follow; the agent's own when not given",
    example: 'dc1',
  },
  {
    path: 'consul.agentPort',
    kind: 'number',
    schema: port,
    help: "HTTP port of other nodes' agents, for registrations they hold; that of consul.address when not given",
    example: '8500',
  },
  {
    path: 'kong.adminUrl',
    kind: 'text',
    schema: urls,
    environment: ['KONG_ADMIN_URL'],
    help: "Kong's Admin API, of several nodes separated by commas; follows port.admin when not given",
    example: 'http://127.0.0.1:8001',
  },
  {
    path: 'kong.proxyUrl',
    kind: 'text',
    schema: url,
    environment: ['KONG_PROXY_URL'],
    help: "Kong's proxy; follows port.proxy when not given",
    example: 'http://127.0.0.1:8000',
  },
  {
    path: 'kong.snapshotDir',
    kind: 'text',
    schema: text,
    help: 'folder that all Kong holds is saved to before the first write to it, or off; $XDG_STATE_HOME/kongsul/snapshots when not given',
    example: '/var/lib/kongsul/snapshots',
  },
  secret('kong.token', [], 'token for the Admin API'),
  file('kong.tokenFile', [], 'file holding the Admin API token; wins over kong.token'),
  {
    path: 'kong.tokenHeader',
    kind: 'text',
    schema: z.string().regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/, 'is not a header name'),
    fallback: 'Kong-Admin-Token',
    help: 'header that carries the Admin API token',
    example: 'Kong-Admin-Token',
  },
  ...tlsSettings('kong', "the Admin API's", 'the Admin API'),
  ...tlsSettings('kong.proxy', "the proxy's", 'the proxy'),
  {
    path: 'kong.timeoutMs',
    kind: 'number',
    schema: atLeastOne(600_000),
    fallback: 10_000,
    help: 'how long one Admin call may take, in ms',
    example: '10000',
  },
  {
    path: 'kong.parallel',
    kind: 'number',
    schema: atLeastOne(64),
    fallback: 8,
    help: 'how many Admin calls may be in flight at once',
    example: '8',
  },
  {
    path: 'kong.outcomes',
    kind: 'text',
    schema: z.enum(OUTCOME_WAYS, 'is neither "access_log" nor "observer"'),
    fallback: 'access_log',
    help: 'how Kong tells what becomes of requests: access_log, or observer (the plugin mesh-observer, dearer)',
    example: 'observer',
  },
  {
    path: 'redis.url',
    kind: 'text',
    schema: z.url({ protocol: /^rediss?$/, message: 'is not a redis:// or rediss:// address' }),
    environment: ['REDIS_URL'],
    secret: true,
    help: 'Redis of the old API and of limits that all nodes of Kong count together, redis[s]://[user:password@]host:port[/database]; without it the old paths answer 503',
    example: 'redis://127.0.0.1:6379',
  },
  file('redis.passwordFile', [], 'file holding the password of Redis; wins over that in redis.url'),
  ...tlsSettings('redis', "Redis's", 'Redis'),
  {
    path: 'certificates.folder',
    kind: 'text',
    schema: text,
    help: 'folder of the files that documents in KV mesh/certificates/ may name; without it they may name none',
    example: '/etc/kongsul/certificates',
  },
  {
    path: 'connect.service',
    kind: 'text',
    schema: text,
    help: 'service as which Consul Connect knows the gateway: its certificate is what `tls.clientCertificate: connect` shows',
    example: 'kong',
  },
  file(
    'secrets.keyFile',
    [],
    '32 bytes in base64 or hex, with which private keys of certificates and keys of key-auth are sealed in KV',
  ),
  {
    path: 'alerts.webhook',
    kind: 'text',
    schema: urls,
    help: 'Alertmanagers that the leader posts alerts to (/api/v2/alerts is added), separated by commas',
    example: 'http://127.0.0.1:9093',
  },
  secret('alerts.webhookToken', [], 'bearer token for them'),
  file('alerts.webhookTokenFile', [], 'file holding that token; wins over alerts.webhookToken'),
  ...tlsSettings('alerts', "the Alertmanagers'", 'Alertmanagers'),
  {
    path: 'links.grafana',
    kind: 'text',
    schema: url,
    help: 'Grafana with the dashboards of kong/grafana, as browsers reach it; the dashboard links to it',
    example: 'http://127.0.0.1:3000',
  },
  {
    path: 'links.prometheus',
    kind: 'text',
    schema: url,
    help: 'Prometheus that reads the mesh, as browsers reach it; the dashboard links to it',
    example: 'http://127.0.0.1:9090',
  },
  {
    path: 'links.jaeger',
    kind: 'text',
    schema: url,
    help: 'Jaeger UI that has the traces, as browsers reach it; the dashboard links to it',
    example: 'http://127.0.0.1:16686',
  },
  {
    path: 'links.runbook',
    kind: 'text',
    schema: url,
    help: 'where people on call read the pages of docs/runbook: alerts and the dashboard link to them there',
    example: 'https://wiki.example.com/runbook',
  },
  {
    path: 'mesh',
    kind: 'text',
    schema: z.string().regex(/^[A-Za-z0-9-]{1,64}$/, 'is not 1 to 64 letters, digits and dashes'),
    fallback: 'default',
    help: 'name of this mesh; two meshes can share one Kong',
    example: 'default',
  },
  {
    path: 'hostSuffix',
    kind: 'text',
    schema: dnsName,
    fallback: 'mesh',
    help: 'default host of a service is <service>.<hostSuffix>',
    example: 'mesh',
  },
  {
    path: 'expose.default',
    kind: 'text',
    schema: z.enum(['tagged', 'all'], 'is neither "tagged" nor "all"'),
    help: 'which services the proxy serves unless KV mesh/defaults says: tagged or all (tagged)',
    example: 'all',
  },
  {
    path: 'resync.cron',
    kind: 'text',
    schema: cron,
    fallback: '*/5 * * * *',
    help: 'when everything is compared again, as a cron expression',
    example: '*/5 * * * *',
  },
  {
    path: 'overrides.policy',
    kind: 'text',
    schema: z.enum(['keep', 'revert'], 'is neither "keep" nor "revert"'),
    fallback: 'keep',
    help: "what happens to fields edited through Kong's Admin API: keep or revert",
    example: 'keep',
  },
  {
    path: 'operator.id',
    kind: 'text',
    schema: z.string().regex(/^[A-Za-z0-9._-]{1,64}$/, 'is not 1 to 64 letters, digits, dots and dashes'),
    help: 'name of this operator among those of the mesh, the same after a restart (host name and API port)',
    example: 'operator-1',
  },
  {
    path: 'operator.advertise',
    kind: 'text',
    schema: text,
    help: "host:port of this operator's API as Consul and the other operators reach it",
    example: '10.0.0.5:8080',
  },
  {
    path: 'dryRun',
    kind: 'boolean',
    schema: flag,
    fallback: false,
    help: 'compute and report, write nothing to Kong',
    example: 'true',
  },
  {
    path: 'api.host',
    kind: 'text',
    schema: text,
    fallback: '127.0.0.1',
    help: "address the operator's HTTP API listens on",
    example: '127.0.0.1',
  },
  {
    path: 'api.names',
    kind: 'text',
    schema: z
      .string()
      .regex(
        /^[A-Za-z0-9.-]+(?: *, *[A-Za-z0-9.-]+)*$/,
        'is not a host name, or several separated by commas',
      ),
    help: 'names beside localhost that requests to the API may have in Host, separated by commas',
    example: 'mesh.example.com',
  },
  {
    path: 'api.writeRate',
    kind: 'number',
    schema: atLeastOne(1_000_000),
    fallback: 50,
    help: 'writes a second that one client of the API may make; four times as many at once',
    example: '50',
  },
  {
    path: 'api.discoverTtlSeconds',
    kind: 'number',
    schema: atLeastOne(86_400),
    fallback: 30,
    help: 'how long discover answers without asking Consul, in seconds; changes are seen at once all the same',
    example: '30',
  },
  secret(
    'access.token',
    [],
    'token for the API that may do everything; needed on other addresses than loopback',
  ),
  {
    path: 'access.tokenFiles',
    kind: 'text',
    schema: text,
    help: 'files of tokens for the API, separated by commas; lines: NAME read|write|ingest TOKEN',
    example: '/etc/kongsul/tokens',
  },
  {
    path: 'access.legacy',
    kind: 'text',
    schema: z.string().refine((told) => legacyNetworks(told) !== null, {
      message: 'is neither "token" nor "anonymous:" with networks, like anonymous:10.0.0.0/8',
    }),
    fallback: 'token',
    help: 'how clients of the old API are let in off loopback: token, or anonymous:NETWORK,... without one',
    example: 'anonymous:10.0.0.0/8',
  },
  secret(
    'feed.token',
    [],
    'token that plugin processes give the operators; without one only those of this machine',
  ),
  file('feed.tokenFile', [], 'file holding that token; wins over feed.token'),
  {
    ...secret(
      'feed.lineToken',
      [],
      "token in every line of Kong's access log for the feed; Kong's log format has the same",
    ),
    example: 'the-token',
    schema: z.string().regex(LINE_TOKEN, 'has to be 8 to 128 letters, digits, - and _'),
  },
  {
    path: 'feed.host',
    kind: 'text',
    schema: text,
    fallback: '127.0.0.1',
    help: "address that Kong's access log comes in on; it is not encrypted",
    example: '127.0.0.1',
  },
  {
    path: 'plugins.operators',
    kind: 'text',
    schema: urls,
    help: "operators that plugin processes tell of outcomes and circuits, separated by commas; this machine's when not given",
    example: 'http://10.0.0.5:8080,http://10.0.0.6:8080',
  },
  {
    path: 'plugins.node',
    kind: 'text',
    schema: z.string().regex(/^[^\s/]{1,200}$/, 'is not 1 to 200 characters without spaces and /'),
    help: 'name of this node of Kong in what operators list; the host name when not given',
    example: 'kong-1',
  },
  {
    path: 'plugins.tracesToOperators',
    kind: 'boolean',
    schema: flag,
    fallback: true,
    help: 'send the spans of the gateway to the trace collectors of the operators, beside those of OTEL_EXPORTER_OTLP_ENDPOINT',
    example: 'false',
  },
  {
    path: 'plugins.tracesPerSecond',
    kind: 'number',
    schema: z.number('is not a number').min(0, 'is below 0').max(1_000_000, 'is above 1000000'),
    fallback: DEFAULT_TRACES_PER_SECOND,
    help: 'traces of each service that may begin to be recorded in a second, at each node of Kong; 0: all',
    example: '50',
  },
  {
    path: 'traces.maxTraces',
    kind: 'number',
    schema: atLeastOne(1_000_000),
    fallback: 10_000,
    help: 'traces that the operator keeps; the oldest go first, a fifth is for those with errors and the slowest',
    example: '10000',
  },
  {
    path: 'traces.maxMegabytes',
    kind: 'number',
    schema: atLeastOne(16_384),
    fallback: 160,
    help: 'memory that traces may take, by estimate; a sixteenth of it for one trace',
    example: '160',
  },
  {
    path: 'traces.snapshotFile',
    kind: 'text',
    schema: text,
    help: 'file that traces are saved to every minute and on stop, and loaded from on start; none when not given',
    example: '/var/lib/kongsul/traces.gz',
  },
  {
    path: 'traces.exportUrl',
    kind: 'text',
    schema: url,
    help: 'another OTLP/HTTP endpoint that gets every span as well; /v1/traces is added',
    example: 'http://tempo:4318',
  },
  secret('traces.exportAuthorization', [], 'Authorization header for that endpoint, e.g. "Bearer TOKEN"'),
  file(
    'traces.exportAuthorizationFile',
    [],
    'file holding that header; wins over traces.exportAuthorization',
  ),
  ...tlsSettings('traces.export', "that endpoint's", 'that endpoint'),
  file(
    'otlp.headersFile',
    [],
    'file of headers for the collector of OTEL_EXPORTER_OTLP_ENDPOINT, one `NAME: VALUE` a line; each wins over one in OTEL_EXPORTER_OTLP_HEADERS',
  ),
  ...tlsSettings('otlp', "that collector's", 'that collector', {
    caFile: ['OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE', 'OTEL_EXPORTER_OTLP_CERTIFICATE'],
    certFile: ['OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE', 'OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE'],
    keyFile: ['OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY', 'OTEL_EXPORTER_OTLP_CLIENT_KEY'],
  }),
  {
    path: 'log.level',
    kind: 'text',
    schema: z.enum(['error', 'warn', 'info', 'debug'], 'is not one of error, warn, info, debug'),
    fallback: 'info',
    help: 'least severe level that is logged: error, warn, info or debug',
    example: 'info',
  },
  {
    path: 'addr',
    kind: 'text',
    schema: url,
    help: 'operator that commands ask; follows port.api when not given',
    example: 'http://127.0.0.1:8080',
  },
  file('tokenFile', [], 'file holding the token for the operator'),
  ...tlsSettings('operators', "the operators'", 'operators'),
  portSetting('proxy', 8000, "Kong's proxy"),
  portSetting('proxyTls', 8443, "Kong's proxy, TLS"),
  portSetting('admin', 8001, "Kong's Admin API"),
  portSetting('api', 8080, "the operator's HTTP API"),
  portSetting('plugins', 8082, 'metrics of the plugins'),
  portSetting('feed', 5140, "Kong's access log as syslog over UDP"),
  portSetting('consul', 8500, "Consul's HTTP API and UI"),
]

/** Names of the `port.*` settings, as `--port NAME=N` takes them. */
export const PORT_NAMES = ['proxy', 'proxyTls', 'admin', 'api', 'plugins', 'feed', 'consul'] as const
export type PortName = (typeof PORT_NAMES)[number]

/** Names of the environment that would change whom we talk to, and that we cannot honour: refused, not ignored. */
export const REFUSED_ENVIRONMENT: Readonly<Record<string, string>> = {
  CONSUL_NAMESPACE: 'Consul Enterprise namespaces are not supported',
  CONSUL_PARTITION: 'Consul Enterprise partitions are not supported',
  CONSUL_HTTP_AUTH: 'basic authentication is not supported; use CONSUL_HTTP_TOKEN',
  CONSUL_CAPATH: 'a folder of CA certificates is not supported; put them into one file and set CONSUL_CACERT',
}
