import { bufferBody, hasBody } from '../proxy/request-body.ts'
import type { RequestContext } from '../proxy/request-context.ts'
import { type Exit, type Plugin, refuse } from './plugin.ts'

interface RequestSizeLimitingConfig {
  readonly allowed_payload_size: number
  readonly size_unit: 'megabytes' | 'kilobytes' | 'bytes'
  readonly require_content_length: boolean
}

const UNIT_BYTES = { megabytes: 1024 * 1024, kilobytes: 1024, bytes: 1 }

/** Refuses requests with large bodies, by their Content-Length, or by reading them when there is none. */
export const requestSizeLimiting: Plugin<RequestSizeLimitingConfig> = {
  name: 'request-size-limiting',
  priority: 951,
  access(context, { config }) {
    const limitBytes = config.allowed_payload_size * UNIT_BYTES[config.size_unit]
    const declared = context.header('content-length')
    if (declared !== undefined) return refusal(context, Number(declared), limitBytes)
    if (config.require_content_length && context.header('transfer-encoding') !== 'chunked') {
      return refuse(411, 'A valid Content-Length header is required')
    }
    if (context.upgradeHead !== null || !hasBody(context.request)) return undefined
    return new Promise((resolve) => {
      bufferBody(context.request, (body) => {
        context.body = body
        resolve(refusal(context, body?.sizeBytes ?? 0, limitBytes))
      })
    })
  },
}

function refusal(context: RequestContext, sizeBytes: number, limitBytes: number): Exit | undefined {
  if (sizeBytes <= limitBytes) return undefined
  const isWaiting = context.header('expect')?.trim().toLowerCase() === '100-continue'
  return refuse(isWaiting ? 417 : 413, 'Request size limit exceeded')
}
