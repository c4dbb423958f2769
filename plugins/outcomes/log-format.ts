// What Kong is told to log of every request, so that outcomes can be read from it. The counterpart is parse-line.ts:
// both know the short names.

/** Name of the format in nginx's configuration, and tag of the datagrams. */
const NAME = 'mesh'

/**
 * Short name in the line -> nginx variable. `$request` is the line as the client sent it: `$request_method` and `$uri`
 * are those of nginx's error page when there is one. `$http_*` are request headers as they went on.
 */
const FIELDS = {
  t: '$msec',
  d: '$request_time',
  i: '$kong_request_id',
  q: '$request',
  h: '$host',
  c: '$scheme',
  s: '$status',
  a: '$upstream_addr',
  us: '$upstream_status',
  uc: '$upstream_connect_time',
  uh: '$upstream_header_time',
  ut: '$upstream_response_time',
  l: '$sent_http_x_kong_proxy_latency',
  gt: '$upstream_trailer_grpc_status',
  gh: '$sent_http_grpc_status',
  tp: '$http_traceparent',
  r: '$http_x_mesh_route',
  x: '$http_x_mesh_span',
  ra: '$remote_addr',
  ua: '$http_user_agent',
  bi: '$request_length',
  bo: '$bytes_sent',
} as const

/** A line as JSON has it: every value is text, empty where nginx has none. */
export type LogLine = { readonly [Name in keyof typeof FIELDS]: string }

export interface LogFormatOptions {
  /** Marks the lines as ours; see feed-token.ts. */
  readonly token: string
  /** Where the feed listens. Default 127.0.0.1:5140. */
  readonly host?: string
  readonly port?: number
}

/**
 * The two settings that make Kong send its access log to the feed, beside its own log. They take effect only while
 * KONG_PROXY_ACCESS_LOG is not `off`: nginx's `off` cancels every access log of its level. `escape=json` keeps what a
 * client sends inside its value. https://nginx.org/en/docs/http/ngx_http_log_module.html
 * @throws RangeError when the token could not stand in the format.
 */
export function logSettings({ token, host = '127.0.0.1', port = 5140 }: LogFormatOptions): {
  readonly KONG_NGINX_HTTP_LOG_FORMAT: string
  readonly KONG_NGINX_PROXY_ACCESS_LOG: string
} {
  const fields = Object.entries(FIELDS).map(([name, variable]) => `"${name}":"${variable}"`)
  const server = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
  return {
    KONG_NGINX_HTTP_LOG_FORMAT: `${NAME} escape=json '${linePrefix(token)}${fields.join(',')}}'`,
    KONG_NGINX_PROXY_ACCESS_LOG: `syslog:server=${server},nohostname,tag=${NAME} ${NAME}`,
  }
}

/** The two lines as `KEY=value`, for the environment of Kong. */
export const logSettingLines = (options: LogFormatOptions): readonly string[] =>
  Object.entries(logSettings(options)).map(([name, value]) => `${name}=${value}`)

/** It stands in nginx's configuration, unquoted. */
export const LINE_TOKEN = /^[A-Za-z0-9_-]{8,128}$/

/** What every line of ours begins with: the token comes first, so that others are told apart without reading on. */
export function linePrefix(token: string): string {
  if (!LINE_TOKEN.test(token)) {
    throw new RangeError('the feed token must be 8 to 128 letters, digits, - and _')
  }
  return `{"k":"${token}",`
}
