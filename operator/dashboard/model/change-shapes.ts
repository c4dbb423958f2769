/** What is set, was edited and would be written, as the API tells of it; units as in api-shapes.ts. */

export interface ChangedField {
  readonly field: string
  readonly from: unknown
  readonly to: unknown
}

export interface ChangedEntity {
  readonly action: 'create' | 'update' | 'delete'
  readonly kind: string
  readonly id: string
  readonly name: string
  readonly fields: readonly ChangedField[]
}

export interface Change {
  readonly id: number
  readonly time: string
  readonly node: string
  readonly service: string
  readonly reason: string
  readonly result: 'applied' | 'failed'
  readonly error: string | null
  readonly tries: number
  readonly duration: number
  readonly diff: readonly ChangedEntity[]
}

export interface Override {
  readonly entity: string
  readonly kind: string
  readonly name: string
  readonly service: string
  readonly field: string
  readonly wanted: unknown
  readonly actual: unknown
  readonly since: string | null
}

export interface SettingValue {
  readonly value: unknown
  readonly source: string
}

export interface Configuration {
  readonly defaults: Readonly<Record<string, unknown>>
  /** The layer that set each of them. */
  readonly defaults_sources: Readonly<Record<string, string>>
  readonly services: Readonly<Record<string, Readonly<Record<string, SettingValue>>>>
  readonly refused: readonly { readonly service: string; readonly message: string }[]
}

export interface SplitLeg {
  readonly service: string
  readonly subset: string | null
  /** Percent. */
  readonly weight: number
}

export interface Split {
  readonly service: string
  /** Of the entry in Consul: a change is bound to it. */
  readonly index: number
  readonly legs: readonly SplitLeg[]
}

export interface Canary {
  readonly id: string
  readonly service: string
  readonly to: string
  readonly state: 'running' | 'paused' | 'ending' | 'promoted' | 'aborted' | 'rolled_back'
  /** What is decided now and why. */
  readonly decision: string
  /** From 1. */
  readonly step: number
  /** Percent. */
  readonly steps: readonly number[]
  readonly weight: number
}

/** What a change would do in Kong. */
export interface Previewed {
  readonly changes: readonly (ChangedEntity & { readonly service: string })[]
  /** Of all changes, listed or not. */
  readonly total: number
}
