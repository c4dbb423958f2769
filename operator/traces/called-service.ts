import { isIP } from 'node:net'
import {
  type AttributeValue,
  CLIENT,
  type FlatAttributes,
  PRODUCER,
  SERVER,
  type SpanKind,
} from './otlp/span-input.ts'

/** Only our plugins set these; Kong's own name is what both they and Kong's OpenTelemetry plugin give. */
const GATEWAY_KEYS = new Set<AttributeValue>(['mesh.source', 'mesh.instance'])
const GATEWAY_SERVICE = 'kong'

/** What names the other side of a call, the best first: stable, then older names of OpenTelemetry's conventions. */
const PEER_KEYS = [
  'peer.service',
  'service.peer.name',
  'db.system.name',
  'db.system',
  'messaging.system',
  'rpc.service',
  'server.address',
  'net.peer.name',
  'net.sock.peer.addr',
]
const PORT_KEYS = ['server.port', 'net.peer.port', 'net.sock.peer.port']

export function isOfGateway(service: string, attributes: FlatAttributes): boolean {
  if (service === GATEWAY_SERVICE) return true
  for (let i = 0; i < attributes.length; i += 2) if (GATEWAY_KEYS.has(attributes[i]!)) return true
  return false
}

/**
 * Whom a span calls, as far as it says so; '' where it does not. Of the gateway's SERVER span that is the service it was
 * sent to. An address that is no name gets its port, so that two services of one machine are two.
 */
export function calledService(kind: SpanKind, isGateway: boolean, attributes: FlatAttributes): string {
  if (kind === SERVER) return isGateway ? textOf(attributes, 'mesh.service') : ''
  if (kind !== CLIENT && kind !== PRODUCER) return ''
  for (const key of PEER_KEYS) {
    const name = textOf(attributes, key)
    if (name === '') continue
    if (isIP(name) === 0) return name
    // An instance whose service the gateway does not know (yet) is no service.
    if (isGateway) continue
    const port = PORT_KEYS.map((each) => textOf(attributes, each)).find((each) => each !== '')
    if (port === undefined) return name
    return name.includes(':') ? `[${name}]:${port}` : `${name}:${port}`
  }
  return ''
}

function textOf(attributes: FlatAttributes, key: string): string {
  for (let i = 0; i < attributes.length; i += 2) if (attributes[i] === key) return String(attributes[i + 1])
  return ''
}
