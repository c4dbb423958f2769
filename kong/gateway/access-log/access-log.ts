/**
 * The second access log of the proxy, beside Kong's own (which this gateway does not write): one line a request, as a
 * UDP datagram to a syslog server or appended to a file. KONG_NGINX_PROXY_ACCESS_LOG says where, the log format of
 * KONG_NGINX_HTTP_LOG_FORMAT how. `KONG_PROXY_ACCESS_LOG=off` turns this one off too, as nginx does.
 */
import dgram from 'node:dgram'
import { createWriteStream } from 'node:fs'
import { isIPv6 } from 'node:net'
import { hostname } from 'node:os'
import type { RequestContext } from '../proxy/request-context.ts'
import type { GatewaySettings } from '../settings.ts'
import { type FileTarget, parseAccessLog, type SyslogTarget } from './access-log-target.ts'
import { type LogFormat, parseLogFormat } from './log-format.ts'
import { syslogTime } from './nginx-time.ts'

export interface AccessLog {
  write(context: RequestContext): void
  close(): void
}

type AccessLogSettings = Pick<GatewaySettings, 'accessLog' | 'logFormat' | 'proxyAccessLog'>

/** Null when there is none to write. Throws an Error that names the setting that makes no sense. */
export function startAccessLog(settings: AccessLogSettings): AccessLog | null {
  if (settings.accessLog === null) return null
  const setting = named('KONG_NGINX_PROXY_ACCESS_LOG', () => parseAccessLog(settings.accessLog!))
  const formats = [...KNOWN_FORMATS]
  if (settings.logFormat !== null)
    formats.push(named('KONG_NGINX_HTTP_LOG_FORMAT', () => parseLogFormat(settings.logFormat!)))
  if (setting === null || settings.proxyAccessLog === 'off') return null
  const format = formats.findLast(({ name }) => name === setting.formatName)
  if (!format) {
    throw new Error(
      `KONG_NGINX_PROXY_ACCESS_LOG: unknown log format "${setting.formatName}"; define it with KONG_NGINX_HTTP_LOG_FORMAT`,
    )
  }
  return setting.target.kind === 'file' ? fileLog(setting.target, format) : syslogFeed(setting.target, format)
}

function named<Value>(variable: string, read: () => Value): Value {
  try {
    return read()
  } catch (error) {
    throw new Error(`${variable}: ${(error as Error).message}`, { cause: error })
  }
}

const COMBINED =
  '\'$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"'

const KNOWN_FORMATS: readonly LogFormat[] = [
  parseLogFormat(`combined ${COMBINED}'`),
  parseLogFormat(`kong_log_format ${COMBINED} kong_request_id: "$kong_request_id"'`),
]

/** Nobody listening is nothing to report: lines are lost, as with nginx. */
function syslogFeed({ host, port, tag, hasHostname, priority }: SyslogTarget, format: LogFormat): AccessLog {
  const socket = dgram.createSocket(isIPv6(host) ? 'udp6' : 'udp4')
  socket.on('error', () => {})
  socket.unref()
  const from = hasHostname ? `${hostname()} ` : ''
  let isClosed = false
  return {
    write: (context) => {
      if (isClosed) return
      const line = `<${priority}>${syslogTime(new Date())} ${from}${tag}: ${format.line(context)}`
      socket.send(Buffer.from(line, 'latin1'), port, host, () => {})
    },
    close: () => {
      isClosed = true
      socket.close()
    },
  }
}

function fileLog({ path }: FileTarget, format: LogFormat): AccessLog {
  const stream = createWriteStream(path, { flags: 'a' })
  stream.on('error', () => {})
  return {
    write: (context) => void stream.write(`${format.line(context)}\n`, 'latin1'),
    close: () => stream.end(),
  }
}
