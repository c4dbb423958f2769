import type { HeaderFile } from '../../operator/secrets/header-file.ts'
import type { TlsConfig } from '../../operator/secrets/tls-options.ts'
import type { KongConfig } from '../../operator/sync/operator-config.ts'
import { revealed, type Secret } from '../../operator/telemetry/secret.ts'
import type { PosterTls } from '../export/post.ts'

/** What the part of the plugin process needs that is not about plugins. */
export interface AgentConfig {
  /** Name of this node of Kong, in what operators list. */
  readonly node: string
  /** API addresses of all operators. */
  readonly operators: readonly string[]
  readonly operatorsTls?: TlsConfig | undefined
  /** KONGSUL_FEED_TOKEN; '': none. */
  readonly feedToken: Secret | string
  /** KONGSUL_FEED_LINE_TOKEN, also in Kong's log format. */
  readonly lineToken: string
  /** Where Kong's access log comes in. */
  readonly feed: { readonly host: string; readonly port: number }
  /** The Kong whose instances are marked. */
  readonly kong: KongConfig
  /** Collectors that get every recorded span. */
  readonly exporters: readonly SpanCollector[]
  readonly version: string
}

export interface SpanCollector {
  /** In logs and metrics: the URL may hold credentials. */
  readonly name: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  /** More of them, which win. */
  readonly headerFile?: HeaderFile | undefined
  /** In `Authorization`, which wins over both. */
  readonly token?: Secret | string | undefined
  readonly tls: PosterTls
}

/** What a request to it carries now. */
export function headersFor({
  headers,
  headerFile,
  token,
}: Pick<SpanCollector, 'headers' | 'headerFile' | 'token'>): Readonly<Record<string, string>> {
  const shown = revealed(token)
  return {
    ...headers,
    ...headerFile?.current(),
    ...(shown === undefined ? {} : { authorization: `Bearer ${shown}` }),
  }
}

/** What the settings `otlp.*` say beside the environment. */
export interface CollectorFiles {
  readonly headers?: HeaderFile | undefined
  readonly tls?: TlsConfig | undefined
}

/**
 * Collectors of the environment, named as OpenTelemetry does.
 * https://opentelemetry.io/docs/specs/otel/protocol/exporter/
 * @throws TypeError when an endpoint is no URL.
 */
export function collectorsOf(
  environment: Readonly<Record<string, string | undefined>>,
  tracesUrl: (endpoint: string) => string,
  { headers: headerFile, tls }: CollectorFiles = {},
): readonly SpanCollector[] {
  const own = environment['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT']
  const general = environment['OTEL_EXPORTER_OTLP_ENDPOINT']
  const url = own || (general && tracesUrl(general))
  if (!url) return []
  const headers =
    environment['OTEL_EXPORTER_OTLP_TRACES_HEADERS'] || environment['OTEL_EXPORTER_OTLP_HEADERS'] || ''
  return [
    { name: new URL(url).host, url, headers: readHeaders(headers), headerFile, tls: { tls, prefix: 'otlp' } },
  ]
}

/** `name=value,name2=value2`, values percent-encoded. */
function readHeaders(text: string): Record<string, string> {
  const pairs = text.split(',').flatMap((pair) => {
    const at = pair.indexOf('=')
    return at <= 0
      ? []
      : [[pair.slice(0, at).trim().toLowerCase(), decode(pair.slice(at + 1).trim())] as const]
  })
  return Object.fromEntries(pairs)
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text // as it is: somebody put a plain % into a token
  }
}
