import { randomUUID } from 'node:crypto'
import type { RequestContext } from '../proxy/request-context.ts'
import { type Plugin, setResponseHeader, setUpstreamHeader } from './plugin.ts'

interface CorrelationIdConfig {
  readonly header_name: string
  readonly generator: 'uuid' | 'uuid#counter' | 'tracker'
  readonly echo_downstream: boolean
}

const PROCESS_ID = randomUUID()
let counter = 0

/** Gives each request an id unless the client sent one. */
export const correlationId: Plugin<CorrelationIdConfig> = {
  name: 'correlation-id',
  priority: 100001,
  access(context, { config }) {
    const sent = context.header(config.header_name.toLowerCase())
    const id = sent ? sent : generate(config.generator, context)
    if (!sent) setUpstreamHeader(context, config.header_name, id)
    context.shared.set('correlation-id', id)
    return undefined
  },
  respond(context, { config }) {
    if (!config.echo_downstream) return
    const id = context.shared.get('correlation-id') as string | undefined
    setResponseHeader(context, config.header_name, id ?? generate(config.generator, context))
  },
}

function generate(generator: CorrelationIdConfig['generator'], context: RequestContext): string {
  if (generator === 'uuid') return randomUUID()
  if (generator === 'uuid#counter') return `${PROCESS_ID}#${++counter}`
  const { localAddress, localPort } = context.socket
  return `${localAddress}-${localPort}-${process.pid}-${++counter}-1-${(Date.now() / 1000).toFixed(3)}`
}
