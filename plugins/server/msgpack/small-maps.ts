// The maps of one and two keys that the requests of every event hold, with their keys spelt out. To store under a name that
// is known only when it has come, and to read it again, costs several times as much.

export function mapOfOne(name: string, value: unknown): Record<string, unknown> {
  if (name === 'EventId') return { EventId: value }
  const map: Record<string, unknown> = {}
  put(map, name, value)
  return map
}

/** Kong's Lua has no order of keys, so each pair may come either way round. */
export function mapOfTwo(
  first: string,
  one: unknown,
  second: string,
  other: unknown,
): Record<string, unknown> {
  if (first === 'InstanceId' && second === 'EventName') return { InstanceId: one, EventName: other }
  if (first === 'EventName' && second === 'InstanceId') return { EventName: one, InstanceId: other }
  if (first === 'Data' && second === 'EventId') return { Data: one, EventId: other }
  if (first === 'EventId' && second === 'Data') return { EventId: one, Data: other }
  const map: Record<string, unknown> = {}
  put(map, first, one)
  put(map, second, other)
  return map
}

/** A client may send a header called `__proto__`; it stays data. */
export function put(map: Record<string, unknown>, name: string, value: unknown): void {
  if (name === '__proto__') {
    Object.defineProperty(map, name, { value, enumerable: true, writable: true, configurable: true })
  } else map[name] = value
}
