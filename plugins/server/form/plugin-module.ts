// The form of a plugin: that of kong-pdk 0.6 (https://github.com/Kong/kong-js-pdk), so that the same file also loads
// in the stock `kong-js-pluginserver`. `Handlers` is ours: plain functions that our server calls without the class.

/** Phases a plugin may have, in the order in which kong-pdk lists them to Kong. */
export const PHASES = ['certificate', 'rewrite', 'log', 'access', 'preread', 'response'] as const
export type Phase = (typeof PHASES)[number]

/** One field of a Kong schema: `{name: {type, default, ...}}`. */
export type SchemaField = Readonly<Record<string, Readonly<Record<string, unknown>>>>

/** A handler as kong-pdk knows it: a method that gets the whole PDK. */
export type PluginObject = Partial<Record<Phase, (kong: unknown) => unknown>>

/** What a plugin file exports. */
export interface PluginModule {
  readonly Plugin: new (config: unknown) => PluginObject
  readonly Name?: string
  readonly Version?: string
  readonly Priority?: number
  readonly Schema?: readonly SchemaField[]
  readonly Handlers?: unknown
}

/** What Kong's query command has to print about a plugin. The order of the keys is kong-pdk's. */
export interface PluginInfo {
  readonly Name: string
  readonly Version: string | undefined
  readonly Phases: readonly Phase[]
  readonly Priority: number
  readonly Schema: { readonly name: string; readonly fields: readonly unknown[] }
}

/** A plugin that was loaded. */
export interface LoadedPlugin {
  readonly name: string
  readonly module: PluginModule
  readonly info: PluginInfo
  /** Seconds since 1970, as GetStatus reports them. */
  readonly loadedAt: number
  readonly modifiedAt: number
}

/**
 * Checks what a file exports and describes it.
 * @param fallbackName name where the module has none: its file's, as in kong-pdk
 * @throws TypeError that says what is missing.
 */
export function describePlugin(
  module: PluginModule,
  {
    fallbackName,
    loadedAt,
    modifiedAt,
  }: { readonly fallbackName: string; readonly loadedAt: number; readonly modifiedAt: number },
): LoadedPlugin {
  if (typeof module.Plugin !== 'function') throw new TypeError('it exports no class "Plugin"')
  const name = (module.Name ?? fallbackName).toLowerCase()
  if (!/^[a-z0-9][a-z0-9_-]*$/.test(name)) throw new TypeError(`"${name}" is no name for a plugin`)
  if (!/^\d+\.\d+\.\d+$/.test(module.Version ?? '')) {
    throw new TypeError(
      `its "Version" is ${module.Version ?? 'missing'}; Kong does not start without one like 1.2.3`,
    )
  }
  const { prototype } = module.Plugin as { prototype: PluginObject }
  const phases = PHASES.filter((phase) => typeof prototype[phase] === 'function')
  if (phases.length === 0) throw new TypeError(`its class "Plugin" has none of ${PHASES.join(', ')}`)
  const fields = module.Schema ?? []
  if (!Array.isArray(fields)) throw new TypeError('its "Schema" is no list of fields')
  const info: PluginInfo = {
    Name: name,
    Version: module.Version,
    Phases: phases,
    Priority: module.Priority ?? 0,
    Schema: { name, fields: [{ config: { type: 'record', fields } }] },
  }
  return { name, module, info, loadedAt, modifiedAt }
}
