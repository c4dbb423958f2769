import type { RequestContext } from '../proxy/request-context.ts'
import { normalisePath } from '../router/normalise-path.ts'
import { type Plugin, refuse, setResponseHeader } from './plugin.ts'

const PERIODS = ['second', 'minute', 'hour', 'day', 'month', 'year'] as const
type Period = (typeof PERIODS)[number]

interface RateLimitingConfig extends Readonly<Record<Period, number | null>> {
  readonly limit_by: 'consumer' | 'credential' | 'ip' | 'service' | 'header' | 'path' | 'consumer-group'
  readonly header_name: string | null
  readonly path: string | null
  readonly error_code: number
  readonly error_message: string
  readonly hide_client_headers: boolean
}

const SECONDS: Readonly<Record<Period, number>> = {
  second: 1,
  minute: 60,
  hour: 3600,
  day: 86_400,
  month: 2_592_000,
  year: 31_536_000,
}

interface Usage {
  readonly period: Period
  readonly limit: number
  readonly startMs: number
  readonly used: number
}

/** Requests per calendar second, minute ... of one caller. Counted in this process, whatever the policy says. */
export const rateLimiting: Plugin<RateLimitingConfig> = {
  name: 'rate-limiting',
  priority: 910,
  access(context, { id, config }, { now }) {
    const nowMs = Math.floor(now() / 1000) * 1000
    const caller = `${id}|${identifier(context, config)}`
    const usages = PERIODS.filter((period) => config[period] !== null && config[period] !== undefined).map(
      (period): Usage => {
        const startMs = startOf(period, nowMs)
        return {
          period,
          limit: config[period]!,
          startMs,
          used: counters.get(`${caller}|${period}|${startMs}`) ?? 0,
        }
      },
    )
    const stopped = usages.findLast((usage) => usage.used >= usage.limit)
    const resetSeconds = config.hide_client_headers ? 0 : tellClient(context, usages, stopped, nowMs)
    if (stopped) {
      const headers = config.hide_client_headers ? {} : { 'Retry-After': String(resetSeconds) }
      return refuse(config.error_code, config.error_message, headers)
    }
    for (const { period, startMs, used } of usages) counters.set(`${caller}|${period}|${startMs}`, used + 1)
    forgetOld(nowMs)
    return undefined
  },
}

const counters = new Map<string, number>()

function identifier(context: RequestContext, config: RateLimitingConfig): string {
  const found = {
    service: context.service?.id,
    consumer: context.consumer?.id ?? context.credentialId,
    credential: context.credentialId,
    header: config.header_name ? context.header(config.header_name.toLowerCase()) : undefined,
    path: normalisePath(context.target.rawPath) === config.path ? config.path : undefined,
    ip: undefined,
    'consumer-group': undefined,
  }[config.limit_by]
  return found ?? context.clientIp
}

/** The tightest limit goes into the RateLimit headers; answers the seconds until it starts again. */
function tellClient(
  context: RequestContext,
  usages: readonly Usage[],
  stopped: Usage | undefined,
  nowMs: number,
): number {
  let tightest: { limit: number; remaining: number; window: number; resetSeconds: number } | undefined
  for (const usage of usages) {
    const counts = stopped === undefined || stopped === usage
    const remaining = Math.max(0, usage.limit - usage.used - (counts ? 1 : 0))
    const window = SECONDS[usage.period]
    if (
      !tightest ||
      remaining < tightest.remaining ||
      (remaining === tightest.remaining && window > tightest.window)
    ) {
      const resetSeconds = Math.max(1, window - Math.floor((nowMs - usage.startMs) / 1000))
      tightest = { limit: usage.limit, remaining, window, resetSeconds }
    }
    const name = usage.period[0]!.toUpperCase() + usage.period.slice(1)
    setResponseHeader(context, `X-RateLimit-Limit-${name}`, String(usage.limit))
    setResponseHeader(context, `X-RateLimit-Remaining-${name}`, String(remaining))
  }
  if (!tightest) return 0
  setResponseHeader(context, 'RateLimit-Limit', String(tightest.limit))
  setResponseHeader(context, 'RateLimit-Remaining', String(tightest.remaining))
  setResponseHeader(context, 'RateLimit-Reset', String(tightest.resetSeconds))
  return tightest.resetSeconds
}

function startOf(period: Period, nowMs: number): number {
  if (period === 'second') return nowMs
  const date = new Date(nowMs)
  const [year, month, day] = [date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()]
  if (period === 'year') return Date.UTC(year, 0)
  if (period === 'month') return Date.UTC(year, month)
  if (period === 'day') return Date.UTC(year, month, day)
  return nowMs - (nowMs % (SECONDS[period] * 1000))
}

const FORGET_EVERY = 1000
let sinceForgotten = 0

function forgetOld(nowMs: number): void {
  if (++sinceForgotten < FORGET_EVERY) return
  sinceForgotten = 0
  for (const key of counters.keys()) {
    const [period, startMs] = key.split('|').slice(-2) as [Period, string]
    if (nowMs >= Number(startMs) + SECONDS[period] * 1000 + 86_400_000) counters.delete(key)
    else if (SECONDS[period] <= 3600 && nowMs >= Number(startMs) + SECONDS[period] * 1000)
      counters.delete(key)
  }
}
