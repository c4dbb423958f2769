import { hostname } from 'node:os'
import { type AgentConfig, collectorsOf, type SpanCollector } from '../../plugins/agent/agent-config.ts'
import { tracesUrl } from '../../plugins/export/otlp-exporter.ts'
import type { ProcessConfig } from '../config/load-config.ts'
import { environmentOf } from '../config/setting.ts'
import type { TlsConfig } from '../secrets/tls-options.ts'
import type { Secret } from '../telemetry/secret.ts'
import { packageVersion } from './package-root.ts'

/** What a working process of `kongsul plugins` runs with. @throws TypeError when a collector's endpoint is no URL. */
export function agentConfig(
  { operator, operatorsTls, plugins, ports }: ProcessConfig,
  environment: Readonly<Record<string, string | undefined>>,
): AgentConfig {
  const token = operator.feedToken ?? ''
  return {
    node: plugins.node ?? hostname(),
    operators: plugins.operators,
    operatorsTls,
    feedToken: token,
    lineToken: plugins.lineToken ?? '',
    feed: { host: plugins.feedHost, port: ports.feed },
    kong: operator.kong,
    exporters: [
      ...(plugins.tracesToOperators ? operatorCollectors(plugins.operators, token, operatorsTls) : []),
      ...collectorsOf(environment, tracesUrl, plugins.collector),
    ],
    version: packageVersion(),
  }
}

/** What was given by flags, for commands that are started without them. */
export function flagsAsEnvironment({ resolved }: ProcessConfig): Record<string, string> {
  const given = [...resolved.values].filter(([, { source }]) => source.startsWith('flag '))
  return Object.fromEntries(given.map(([path, { value }]) => [environmentOf(path), String(value)]))
}

/** Every operator has a collector of its own, which lets in who has the feed's token. */
const operatorCollectors = (
  operators: readonly string[],
  token: Secret | string,
  tls: TlsConfig | undefined,
): SpanCollector[] =>
  operators.map((operator) => ({
    name: new URL(operator).host,
    url: tracesUrl(operator),
    headers: {},
    token,
    tls: { tls, prefix: 'operators' },
  }))
