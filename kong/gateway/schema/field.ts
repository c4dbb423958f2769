/** The form of Kong's schema definitions (also of plugins outside Kong, which send theirs as JSON). */

import type { RecordSchema } from './record-schema.ts'
import type { ObjectValue, Value } from './table.ts'

export type FieldType =
  | 'string'
  | 'number'
  | 'integer'
  | 'boolean'
  | 'array'
  | 'set'
  | 'map'
  | 'record'
  | 'foreign'
  | 'any'

/** A rule written as code: undefined when the value is fine, else the message. */
export type CustomValidator = (value: Value) => string | undefined

/** `[{ name: field }, ...]`, in the order Kong checks them. */
export type FieldList = readonly { readonly [name: string]: Field }[]

export interface Field {
  readonly type: FieldType
  readonly description?: string
  readonly required?: boolean
  readonly default?: Value
  /** Filled by Kong itself: ids, keys, secrets, times. */
  readonly auto?: boolean
  readonly unique?: boolean
  readonly uuid?: boolean
  readonly timestamp?: boolean
  readonly is_regex?: boolean
  readonly abstract?: boolean
  /** `{vault://...}` is taken as it is, unchecked. */
  readonly referenceable?: boolean
  readonly encrypted?: boolean
  readonly immutable?: boolean
  /** Not stored with the entity. */
  readonly transient?: boolean
  /** Replaces the message of whichever validator fails. */
  readonly err?: string

  readonly eq?: Value
  readonly ne?: Value
  readonly gt?: number
  readonly between?: readonly [number, number]
  readonly one_of?: readonly (string | number)[]
  readonly not_one_of?: readonly (string | number)[]
  readonly len_eq?: number
  readonly len_min?: number
  readonly len_max?: number
  readonly starts_with?: string
  /** Lua patterns. */
  readonly match?: string
  readonly not_match?: string
  readonly match_all?: readonly PatternRule[]
  readonly match_none?: readonly PatternRule[]
  readonly match_any?: { readonly patterns: readonly string[]; readonly err?: string }
  readonly contains?: string | number
  readonly mutually_exclusive_subsets?: readonly (readonly string[])[]
  readonly custom_validator?: CustomValidator

  readonly elements?: Field
  readonly keys?: Field
  readonly values?: Field

  readonly fields?: FieldList
  readonly entity_checks?: readonly EntityCheck[]
  readonly shorthand_fields?: readonly { readonly [name: string]: Shorthand }[]

  /** A record that is a whole entity, with the subschemas and shorthands of its schema. */
  readonly entity?: RecordSchema

  readonly reference?: string
  readonly on_delete?: 'cascade'
}

export interface PatternRule {
  readonly pattern: string
  readonly err: string
}

/** A field that is only another way to write others, such as `url` of a service. */
export interface Shorthand extends Field {
  /** The fields it stands for; undefined for none. */
  readonly func: (value: Value) => ObjectValue | undefined
  /** A deprecated shorthand gives way to the field it was replaced by, and may not contradict it. */
  readonly deprecation?: { readonly replaced_with: readonly { readonly path: readonly string[] }[] }
}

export interface Conditional {
  readonly if_field: string
  readonly if_match: Partial<Field>
  readonly then_field: string
  readonly then_match: Partial<Field>
  readonly then_err?: string
}

export interface ConditionalAtLeastOneOf {
  readonly if_field: string
  readonly if_match: Partial<Field>
  readonly then_at_least_one_of: readonly string[]
  /** `%s` stands for the list of fields. */
  readonly then_err?: string
  readonly else_match?: Partial<Field>
  readonly else_then_at_least_one_of?: readonly string[]
  readonly else_then_err?: string
}

export interface CustomCheck {
  readonly field_sources: readonly string[]
  readonly run_with_missing_fields?: boolean
  readonly fn: (entity: ObjectValue, nowSeconds: number) => string | undefined
}

/** A rule over several fields of one entity; exactly one of the properties is set. */
export interface EntityCheck {
  readonly at_least_one_of?: readonly string[]
  readonly only_one_of?: readonly string[]
  readonly distinct?: readonly string[]
  readonly mutually_required?: readonly string[]
  readonly mutually_exclusive?: readonly string[]
  readonly mutually_exclusive_sets?: { readonly set1: readonly string[]; readonly set2: readonly string[] }
  readonly conditional?: Conditional
  readonly conditional_at_least_one_of?: ConditionalAtLeastOneOf
  readonly custom_entity_check?: CustomCheck
}
