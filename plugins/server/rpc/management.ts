import type { LoadedPlugin } from '../form/plugin-module.ts'
import type { Instance, InstanceTable } from './instance-table.ts'
import { resultReply } from './reply.ts'

/** When instances of a plugin were started and closed last, in seconds since 1970; 0 for never. */
export interface Lately {
  started: number
  closed: number
}

interface Managed {
  readonly plugins: ReadonlyMap<string, LoadedPlugin>
  readonly instances: InstanceTable
  readonly lately: ReadonlyMap<string, Lately>
}

interface Question {
  readonly method: string
  readonly messageId: unknown
  readonly args: readonly unknown[]
}

interface Circumstances {
  /** Monotonic clock, ms. */
  readonly now: number
  /** Seconds since 1970. */
  readonly seconds: number
  readonly pid: number
}

/**
 * Answers everything but events: instances and questions about the server.
 * @returns the reply, the text of an error, or null for a method that there is not.
 */
export function answerManagement(
  host: Managed,
  { method, messageId, args: [argument] }: Question,
  at: Circumstances,
): Uint8Array | string | null {
  switch (method) {
    case 'StartInstance':
      return startInstance(host, messageId, argument, at)
    case 'CloseInstance':
      return closeInstance(host, messageId, argument, at)
    case 'InstanceStatus': {
      const instance = host.instances.get(argument)
      return instance ? resultReply(messageId, describe(instance)) : noInstance(argument)
    }
    case 'GetStatus':
      return resultReply(messageId, { Pid: at.pid, Plugins: statusOf(host) })
    case 'GetPluginNames':
      return resultReply(messageId, [...host.plugins.keys()])
    case 'GetPluginInfo': {
      const plugin = host.plugins.get(argument as string)
      return plugin ? resultReply(messageId, plugin.info) : `${String(argument)} is not served here`
    }
    default:
      return null
  }
}

/** The text at which Kong starts an instance anew instead of giving up: it looks for "no plugin instance". */
export function noInstance(id: unknown): string {
  return `no plugin instance #${String(id)}`
}

function startInstance(
  { instances, lately }: Managed,
  messageId: unknown,
  argument: unknown,
  at: Circumstances,
): Uint8Array | string {
  const { Name, Config } = (argument ?? {}) as { Name?: unknown; Config?: unknown }
  if (typeof Name !== 'string' || typeof Config !== 'string') return 'StartInstance needs Name and Config'
  try {
    const instance = instances.start(Name, Config, at)
    lately.get(Name)!.started = at.seconds
    return resultReply(messageId, describe(instance))
  } catch (error) {
    return `${Name}: ${(error as Error).message}`
  }
}

function closeInstance(
  { instances, lately }: Managed,
  messageId: unknown,
  id: unknown,
  { now, seconds }: Circumstances,
): Uint8Array | string {
  const instance = instances.close(id as number, now)
  if (!instance) return noInstance(id)
  const { Name, Id, Config } = describe(instance)
  lately.get(Name)!.closed = seconds
  return resultReply(messageId, { Name, Id, Config })
}

function describe({ record, config }: Instance) {
  return { Name: record.plugin, Id: record.id, Config: config, StartTime: record.startedAt }
}

/** `Instances` stays empty, as kong-pdk answers it; the metrics have their number. */
function statusOf({ plugins, lately }: Managed): Record<string, unknown> {
  const status: Record<string, unknown> = {}
  for (const [name, plugin] of plugins) {
    const { started, closed } = lately.get(name)!
    status[name] = {
      Name: name,
      Modtime: plugin.modifiedAt,
      LoadTime: plugin.loadedAt,
      Instances: [],
      LastStartInstance: started,
      LastCloseInstance: closed,
    }
  }
  return status
}
