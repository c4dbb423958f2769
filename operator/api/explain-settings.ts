/** `GET /configure`: every effective value and the layer that set it. */

import { z } from 'zod'
import type { CatalogSnapshot } from '../core/catalog.ts'
import type { Json } from '../core/entity.ts'
import type { AcceptedSettings, ServiceSettings, Settings } from '../core/settings.ts'
import { flatten } from '../core/settings-document.ts'

const valuesShape = z.record(z.string(), z.object({ value: z.json(), source: z.string() }))

export const configurationShape = z.object({
  defaults: z.record(z.string(), z.json()).meta({ description: 'of a service that says nothing itself' }),
  defaults_sources: z
    .record(z.string(), z.string())
    .meta({ description: 'the layer that set each of them: built-in or mesh/defaults' }),
  services: z.record(z.string(), valuesShape),
  refused: z.array(z.object({ service: z.string(), message: z.string() })),
})

export type ExplainedSettings = Readonly<Record<string, { readonly value: Json; readonly source: string }>>

export interface Configuration {
  readonly defaults: Readonly<Record<string, Json>>
  readonly defaults_sources: Readonly<Record<string, string>>
  readonly services: Readonly<Record<string, ExplainedSettings>>
  /** Documents that are not used, and why. */
  readonly refused: readonly { readonly service: string; readonly message: string }[]
}

/** @param only one service; null for all */
export function configuration(
  settings: AcceptedSettings,
  snapshot: CatalogSnapshot,
  refused: Configuration['refused'],
  only: string | null,
): Configuration {
  const services = [...snapshot.services]
    .filter(([service]) => only === null || service === only)
    .sort(([left], [right]) => (left < right ? -1 : 1))
  const { settings: defaults, sources } = settings.mesh
  return {
    defaults: Object.fromEntries(leavesOf(defaults)),
    defaults_sources: Object.fromEntries(
      leavesOf(defaults).map(([path]) => [path, sources[path] ?? 'built-in']),
    ),
    services: Object.fromEntries(
      services.map(([service, instances]) => [service, explained(settings.forService(service, instances))]),
    ),
    refused: refused.filter(({ service }) => only === null || service === '' || service === only),
  }
}

function explained({ settings, sources }: ServiceSettings): ExplainedSettings {
  return Object.fromEntries(
    leavesOf(settings).map(([path, value]) => [path, { value, source: sources[path] ?? 'built-in' }]),
  )
}

const leavesOf = (settings: Settings) => flatten('', settings as unknown as Json)
