/** nginx's `access_log`: where lines go and in which format. */
import { directiveWords } from './directive-words.ts'

export interface SyslogTarget {
  readonly kind: 'syslog'
  readonly host: string
  readonly port: number
  readonly tag: string
  readonly hasHostname: boolean
  /** facility * 8 + severity. */
  readonly priority: number
}

export interface FileTarget {
  readonly kind: 'file'
  readonly path: string
}

export interface AccessLogSetting {
  readonly target: SyslogTarget | FileTarget
  readonly formatName: string
}

/** Reads the arguments of `access_log`; null for `off`. Throws an Error naming what is wrong. */
export function parseAccessLog(text: string): AccessLogSetting | null {
  const [where, formatName = 'combined'] = directiveWords(text)
  if (where === undefined) throw new Error('access_log needs a place to write to')
  if (where === 'off') return null
  const target = where.startsWith('syslog:')
    ? syslogTarget(where.slice('syslog:'.length))
    : ({ kind: 'file', path: where } as const)
  return { target, formatName }
}

const FACILITIES = [
  ...['kern', 'user', 'mail', 'daemon', 'auth', 'intern', 'lpr', 'news', 'uucp', 'clock', 'authpriv', 'ftp'],
  ...['ntp', 'audit', 'alert', 'cron', 'local0', 'local1', 'local2', 'local3', 'local4', 'local5', 'local6'],
  'local7',
]
const SEVERITIES = ['emerg', 'alert', 'crit', 'error', 'warn', 'notice', 'info', 'debug']

function syslogTarget(options: string): SyslogTarget {
  let server: string | undefined
  let tag = 'nginx'
  let hasHostname = true
  let facility = FACILITIES.indexOf('local7')
  let severity = SEVERITIES.indexOf('info')
  for (const option of options.split(',')) {
    const [name, value = ''] = [option.split('=', 1)[0]!, option.slice(option.indexOf('=') + 1)]
    if (option === 'nohostname') hasHostname = false
    else if (name === 'server') server = value
    else if (name === 'tag' && /^[A-Za-z0-9_]{1,32}$/.test(value)) tag = value
    else if (name === 'facility' && FACILITIES.includes(value)) facility = FACILITIES.indexOf(value)
    else if (name === 'severity' && SEVERITIES.includes(value)) severity = SEVERITIES.indexOf(value)
    else throw new Error(`access_log: unknown or bad syslog parameter '${option}'`)
  }
  const address = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d+))?$/.exec(server ?? '')
  if (!address) throw new Error(`access_log: syslog needs server=HOST:PORT, not '${server ?? ''}'`)
  return {
    kind: 'syslog',
    host: address[1] ?? address[2]!,
    port: Number(address[3] ?? 514),
    tag,
    hasHostname,
    priority: facility * 8 + severity,
  }
}
