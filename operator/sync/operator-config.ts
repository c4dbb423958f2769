import type { OutcomeWay } from '../core/service-plugins.ts'
import type { TlsConfig } from '../secrets/tls-options.ts'
import type { Secret } from '../telemetry/secret.ts'

/** Everything the operator process needs to know; operator/config/ reads it from flags, environment and file. */
export interface OperatorConfig {
  readonly consul: ConsulConfig
  readonly kong: KongConfig
  /** Where clients reach Kong's proxy, e.g. http://127.0.0.1:8000. */
  readonly proxyUrl: string
  /** How it is reached at https. */
  readonly proxyTls?: TlsConfig | undefined
  /** Where the operator's own HTTP API listens; port 0 takes a free one. */
  readonly api: ApiConfig
  /** Name of the mesh: part of every entity's id and of the tag `kongsul.mesh:`. */
  readonly mesh: string
  /** Suffix of the default hosts: `<service>.<hostSuffix>`. */
  readonly hostSuffix: string
  /** Which services are reachable through the proxy unless they say so themselves; KV `mesh/defaults` wins. */
  readonly expose: 'tagged' | 'all' | undefined
  /** Cron expression (seconds allowed) of the full resync. */
  readonly resync: { readonly cron: string }
  /** How the other operators are reached, where `operator.advertise` is https. */
  readonly operatorsTls?: TlsConfig | undefined
  /** What happens to fields edited through Kong's Admin API. */
  readonly overrides: { readonly policy: 'keep' | 'revert' }
  /** How Kong tells what becomes of requests; `access_log` unless said. With `observer` services get mesh-observer. */
  readonly outcomes?: OutcomeWay | undefined
  /** How this operator takes part in the election of the one that writes. */
  readonly operator: {
    /** Unique among the operators of the mesh, the same after a restart; undefined: host name and port of the API. */
    readonly id: string | undefined
    /** host:port of our API as Consul and the other operators reach it; undefined: found out, see election-options.ts. */
    readonly advertise: string | undefined
  }
  /** What plugin processes show at /internal/*; without it only those of this machine may call. */
  readonly feedToken?: Secret | string | undefined
  /** 32 bytes in base64 or hex that keys of key-auth are sealed with in KV; without it there are none. */
  readonly sealKey?: Secret | string | undefined
  /** Certificates for hosts of one's own: where files that KV names lie, and the key that opens sealed private keys. */
  readonly certificates?:
    | {
        readonly folder?: string | undefined
        readonly sealKeyFile?: string | undefined
        /** As which service Consul Connect knows the gateway; undefined: it has no identity there. */
        readonly connectService?: string | undefined
      }
    | undefined
  /** Redis of the old API; without it the old paths answer 503. */
  readonly redis?: RedisConfig | undefined
  readonly traces?: TracesConfig | undefined
  /** Where alerts are posted, as Alertmanager takes them. */
  readonly alerts?:
    | {
        readonly webhooks: readonly string[]
        readonly token?: Secret | string | undefined
        readonly tls?: TlsConfig | undefined
      }
    | undefined
  /** Other systems' own pages, as browsers reach them: the dashboard links to them. */
  readonly links?: ExternalLinks | undefined
  /** Compute and report, write nothing to Kong. */
  readonly dryRun: boolean
}

export interface ExternalLinks {
  readonly grafana?: string | undefined
  readonly prometheus?: string | undefined
  readonly jaeger?: string | undefined
  /** Where the pages of docs/runbook are: each alert names its own. */
  readonly runbook?: string | undefined
}

export interface ApiConfig {
  readonly host: string
  readonly port: number
  /** How long an answer about the instances of a service is told again without asking Consul; 30 when not given. */
  readonly discoverTtlSeconds?: number
  /** Names beside those of loopback that requests may have in `Host`. */
  readonly names?: readonly string[]
  /** How fast one client may write; 50 a second and 200 at once when not given. */
  readonly writeRate?: { readonly perSecond: number; readonly burst: number }
  /** Networks whose clients use the old API without a token; undefined: nobody does. */
  readonly legacyNetworks?: string | undefined
  /** Files of bearer tokens, see operator/access/parse-tokens.ts. */
  readonly tokenFiles?: readonly string[]
  /** One bearer token that may do everything. */
  readonly token?: Secret | string | undefined
}

export interface ConsulConfig {
  /** e.g. http://127.0.0.1:8500 */
  readonly url: string
  readonly token?: Secret | string | undefined
  readonly datacenter?: string | undefined
  /** HTTP port of the agents of other nodes; that of `url` when not given. */
  readonly agentPort?: number | undefined
  readonly tls?: TlsConfig | undefined
}

export interface KongConfig {
  /** e.g. http://127.0.0.1:8001; several nodes separated by commas, see operator/kong/admin-urls.ts. */
  readonly adminUrl: string
  /** Header that carries the token; Kong-Admin-Token where a token is given without a header name. */
  readonly tokenHeader?: string | undefined
  readonly token?: Secret | string | undefined
  readonly tls?: TlsConfig | undefined
  /** How long one Admin call may take, in ms. */
  readonly timeoutMs: number
  /** How many Admin calls may be in flight at once. */
  readonly parallel: number
  /** Where what Kong holds is saved before the first write to it; undefined: nowhere. */
  readonly snapshotDir?: string | undefined
}

/** The trace collector. Bounds that are not given are those of operator/traces/trace-store.ts. */
export interface TracesConfig {
  readonly maxTraces?: number | undefined
  readonly maxMegabytes?: number | undefined
  /** Where traces survive a restart; undefined: nowhere. */
  readonly snapshotFile?: string | undefined
  /** Another OTLP/HTTP endpoint that gets every span as well. */
  readonly exportUrl?: string | undefined
  /** `Authorization` of what is sent there. */
  readonly exportAuthorization?: Secret | string | undefined
  readonly exportTls?: TlsConfig | undefined
}

export interface RedisConfig {
  /** redis://[user:password@]host:port[/database], rediss:// for TLS. */
  readonly url: Secret | string
  /** Instead of that in the address. */
  readonly password?: Secret | string | undefined
  readonly tls?: TlsConfig | undefined
}
