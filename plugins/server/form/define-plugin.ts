import type { PdkCalls } from './pdk-calls.ts'
import { PHASES, type Phase, type PluginModule, type SchemaField } from './plugin-module.ts'

/** What Kong says about the plugin entity that a configuration belongs to. Keys of state come from here. */
export interface PluginInstance {
  readonly pluginId: string | null
  readonly serviceId: string | null
  readonly routeId: string | null
  /** Rises with every change of the entity. */
  readonly sequence: number | null
  /** Of those that Kong started later it is higher, whichever runs its first event first; null in Kong's own server. */
  readonly id: number | null
}

/**
 * One phase of a plugin as a plain function. Answering something that is no promise answers Kong at once; PDK calls
 * are awaited. Throwing, rejecting or taking too long lets the request go on.
 */
export type Handler<Config> = (kong: PdkCalls, config: Config, instance: PluginInstance) => unknown

export type Handlers<Config> = Partial<Record<Phase, Handler<Config>>>

/** A plugin written as functions. */
export interface FunctionPlugin<Config> {
  readonly name: string
  readonly version: string
  /** Higher runs earlier. */
  readonly priority: number
  readonly schema: readonly SchemaField[]
  /** Reads Kong's configuration once per instance, at its first event. */
  readonly configure: (raw: Readonly<Record<string, unknown>>, instance: PluginInstance) => Config
  readonly handlers: Handlers<Config>
}

/** What the server calls instead of the class. */
export interface FunctionHandlers {
  readonly configure: (raw: Readonly<Record<string, unknown>>, instance: PluginInstance) => unknown
  readonly phases: Readonly<Partial<Record<Phase, Handler<never>>>>
}

/** The exports of a plugin file: kong-pdk's form, and beside it the functions themselves. */
export function definePlugin<Config>(plugin: FunctionPlugin<Config>): Required<PluginModule> {
  const { name, version, priority, schema, configure, handlers } = plugin
  class Plugin {
    readonly config: Config
    readonly instance: PluginInstance

    constructor(raw: unknown) {
      this.instance = instanceOf(raw as Readonly<Record<string, unknown>>)
      this.config = configure(raw as Readonly<Record<string, unknown>>, this.instance)
    }
  }
  // kong-pdk looks for the phases on the prototype.
  for (const phase of PHASES) {
    const handler = handlers[phase]
    if (!handler) continue
    Object.defineProperty(Plugin.prototype, phase, {
      value(this: Plugin, kong: PdkCalls) {
        return handler(kong, this.config, this.instance)
      },
    })
  }
  const functions = { configure, phases: handlers } as unknown as FunctionHandlers
  return {
    Plugin: Plugin as PluginModule['Plugin'],
    Name: name,
    Version: version,
    Priority: priority,
    Schema: schema,
    Handlers: functions,
  }
}

/** Reads the fields that Kong adds to a configuration. */
export function instanceOf(raw: Readonly<Record<string, unknown>>, id: number | null = null): PluginInstance {
  return {
    pluginId: textOrNull(raw['__plugin_id']),
    serviceId: textOrNull(raw['service_id']),
    routeId: textOrNull(raw['route_id']),
    sequence: typeof raw['__seq__'] === 'number' ? raw['__seq__'] : null,
    id,
  }
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}

/** The functions of a module that has them. */
export function handlersOf(module: PluginModule): FunctionHandlers | null {
  const handlers = module.Handlers as FunctionHandlers | undefined
  return typeof handlers?.configure === 'function' && typeof handlers.phases === 'object' ? handlers : null
}
