/**
 * What Consul's answers have to look like, as far as they are read. One that does not is no answer: to act on the half
 * of it that makes sense would be a guess. Nulls stand for empty lists and maps.
 */

type Is = (value: unknown) => boolean

const isText: Is = (value) => typeof value === 'string'
const isNumber: Is = (value) => typeof value === 'number'
const isIndex: Is = (value) => Number.isInteger(value) && (value as number) >= 0
const isMap = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const orNull =
  (is: Is): Is =>
  (value) =>
    value === null || is(value)
const optional =
  (is: Is): Is =>
  (value) =>
    value === undefined || value === null || is(value)
const listOf =
  (is: Is): Is =>
  (value) =>
    Array.isArray(value) && value.every(is)
/** A list of these, or something that is no list: the answer of one who does not know the question. */
const anyListOf =
  (is: Is): Is =>
  (value) =>
    !Array.isArray(value) || value.every(is)
const mapOf =
  (is: Is): Is =>
  (value) =>
    isMap(value) && Object.values(value).every(is)
const record = (fields: Readonly<Record<string, Is>>): Is => {
  const all = Object.entries(fields)
  return (value) => isMap(value) && all.every(([name, is]) => is(value[name]))
}

const check = record({
  Node: isText,
  CheckID: isText,
  Name: optional(isText),
  Status: isText,
  ServiceID: optional(isText),
  ServiceName: optional(isText),
  ModifyIndex: isIndex,
})
const node = record({
  ID: optional(isText),
  Node: isText,
  Address: isText,
  Meta: optional(mapOf(isText)),
})
const service = record({
  ID: isText,
  Service: isText,
  Kind: optional(isText),
  Address: optional(isText),
  Port: optional(isNumber),
  Tags: optional(listOf(isText)),
  Meta: optional(mapOf(isText)),
  Weights: optional(record({ Passing: isNumber, Warning: isNumber })),
  ModifyIndex: isIndex,
})

/** By the endpoint that is read; one that is not here may answer anything. */
const SHAPES: Readonly<Record<string, Is>> = {
  'health.state': orNull(listOf(check)),
  'catalog.service.list': mapOf(orNull(listOf(isText))),
  'catalog.node.list': orNull(listOf(node)),
  'catalog.node.services': orNull(record({ Node: optional(node), Services: optional(mapOf(service)) })),
  // Consul's own UI asks these; they are in no documentation.
  'internal.ui.nodes': anyListOf(
    record({
      Node: isText,
      Address: isText,
      Checks: optional(listOf(check)),
      Services: optional(listOf(service)),
    }),
  ),
  'internal.ui.services': anyListOf(record({ Name: isText, InstanceCount: isNumber })),
  'health.service': orNull(listOf(record({ Node: node, Service: service, Checks: optional(listOf(check)) }))),
  'config.list': orNull(listOf(isMap)),
  'config.entry': isMap,
  'connect.intentions': orNull(listOf(isMap)),
  'connect.intentions.match': orNull(mapOf(orNull(listOf(isMap)))),
  'connect.intentions.check': isMap,
  'agent.self': record({ Config: record({ Datacenter: isText }) }),
  'agent.connect.leaf': record({ CertPEM: isText, PrivateKeyPEM: isText }),
  'kv.get': optional(listOf(record({ Key: isText, Value: optional(isText), ModifyIndex: isIndex }))),
}

/** Endpoints that answer a list: null is an empty one. */
const LISTS: ReadonlySet<string> = new Set(['health.state', 'catalog.node.list', 'health.service'])

/** @returns the body, of a list `[]` for null. @throws Error when it is not of the form that this endpoint answers */
export function shaped<T>(endpoint: string, body: unknown): T {
  if (SHAPES[endpoint]?.(body) === false)
    throw new Error(`an answer that is not Consul's: ${(JSON.stringify(body) ?? 'nothing').slice(0, 80)}`)
  return (body === null && LISTS.has(endpoint) ? [] : body) as T
}
