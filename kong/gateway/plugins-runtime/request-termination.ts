import type { RequestContext } from '../proxy/request-context.ts'
import type { Plugin } from './plugin.ts'
import { queryArguments } from './query-arguments.ts'

interface RequestTerminationConfig {
  readonly status_code: number
  readonly message: string | null
  readonly body: string | null
  readonly content_type: string | null
  readonly trigger: string | null
}

/** Answers instead of the upstream. The `echo` option is not offered. */
export const requestTermination: Plugin<RequestTerminationConfig> = {
  name: 'request-termination',
  priority: 2,
  access(context, { config }) {
    if (config.trigger && !isTriggered(context, config.trigger)) return undefined
    const status = config.status_code
    if (config.body) {
      const contentType = config.content_type ?? 'application/json; charset=utf-8'
      return { status, headers: { 'Content-Type': contentType }, body: { text: config.body } }
    }
    const message = config.message ?? MESSAGES[status]
    return { status, headers: {}, body: message === undefined ? null : { json: { message } } }
  },
}

const MESSAGES: Readonly<Record<number, string>> = {
  401: 'Unauthorized',
  404: 'Not found',
  405: 'Method not allowed',
  500: 'An unexpected error occurred',
  502: 'Bad Gateway',
  503: 'Service unavailable',
}

function isTriggered(context: RequestContext, trigger: string): boolean {
  return (
    context.headers(trigger.toLowerCase()) !== undefined || queryArguments(context.target.query).has(trigger)
  )
}
