/**
 * $upstream_addr and its like list every try: `502, 200`. A last try for which nobody was left has no address and is
 * shown as ` : `, and what a try does not have is `-`. Source: ngx_http_upstream.c, checked against a running Kong.
 */
import type { RequestContext } from '../proxy/request-context.ts'
import type { TryRecord } from '../proxy/try-record.ts'

type Variable = (context: RequestContext) => string | undefined

const perTry =
  (show: (record: TryRecord) => string): Variable =>
  ({ tries }) => {
    if (tries.length === 0) return undefined
    let text = ''
    for (const [i, record] of tries.entries()) {
      if (record.address === '') return `${text} : `
      text += `${i === 0 ? '' : ', '}${show(record)}`
    }
    return text
  }

const seconds = (ms: number | null): string => (ms === null ? '-' : (ms / 1000).toFixed(3))

export const UPSTREAM_VARIABLES: Readonly<Record<string, Variable>> = {
  upstream_addr: perTry(({ address }) => address),
  upstream_status: perTry(({ status }) => (status === 0 ? '-' : String(status))),
  upstream_response_time: perTry(({ responseMs }) => seconds(responseMs)),
  upstream_connect_time: perTry(({ connectMs }) => seconds(connectMs)),
  upstream_header_time: perTry(({ headerMs }) => seconds(headerMs)),
  upstream_bytes_sent: perTry(({ bytesSent }) => String(bytesSent)),
  upstream_bytes_received: perTry(({ bytesReceived }) => String(bytesReceived)),
  upstream_response_length: perTry(({ bodyBytes }) => String(bodyBytes)),
}
