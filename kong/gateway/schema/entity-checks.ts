/**
 * Rules over several fields. A rule sees only the fields it names; it does not run when none of them is given,
 * when one is a reference to a vault, or (unless it can cope) when one of them is missing or already wrong.
 */

import type { Conditional, ConditionalAtLeastOneOf, EntityCheck, Field } from './field.ts'
import { addEntityError, type FieldError, type FieldErrors, setErrorAt } from './field-errors.ts'
import { fieldAt, isReference, type RecordSchema } from './record-schema.ts'
import { getPath, isNonEmpty, type ObjectValue, setPath, type Table, type Value } from './table.ts'
import { quotedList } from './validators.ts'

export interface CheckContext {
  readonly input: Table
  readonly checks: { readonly full: boolean; readonly updating: boolean; readonly nowSeconds: number }
  /** Checks one value against a definition. */
  readonly judge: (field: Field, value: Value | undefined) => FieldError | undefined
  readonly errors: FieldErrors
}

/** Runs the rules of a schema (or of its subschema) and adds what they find to `context.errors`. */
export function checkEntity(
  schema: RecordSchema,
  subschema: RecordSchema | undefined,
  entityChecks: readonly EntityCheck[],
  context: CheckContext,
): void {
  const definition = (path: string): Field | undefined => fieldAt(schema, subschema, path)
  for (const entityCheck of entityChecks) runCheck(planOf(entityCheck), definition, context)
}

type Definition = (path: string) => Field | undefined

interface Plan {
  readonly fields: readonly string[]
  /** Fields that must be there, else each gets "field required for entity check". */
  readonly needed: readonly string[]
  readonly runsWithMissing: boolean
  readonly runsWithInvalid: boolean
  /** The message for the entity, or undefined when the rule holds. */
  readonly run: (entity: ObjectValue, definition: Definition, context: CheckContext) => string | undefined
}

function runCheck(plan: Plan, definition: Definition, context: CheckContext): void {
  const { input, errors } = context
  const entity: ObjectValue = {}
  const missing: string[] = []
  let isAnyGiven = false
  let isAnyWrong = false
  for (const path of plan.fields) {
    const value = getPath(input, path)
    if (value === undefined) {
      if (!plan.runsWithMissing && plan.needed.includes(path)) missing.push(path)
    } else {
      isAnyGiven = true
      const field = definition(path)
      if (field?.type === 'string' && field.referenceable && isReference(value)) return
      setPath(entity, path, value)
    }
    if (errors.has(path)) isAnyWrong = true
  }
  if (isAnyWrong && !plan.runsWithInvalid) return
  if (!isAnyGiven && !(plan.runsWithMissing && context.checks.full)) return
  if (missing.length > 0) {
    const text = `field required for entity check${context.checks.updating ? ' when updating' : ''}`
    for (const path of missing) setErrorAt(errors, path, text)
    return
  }
  const message = plan.run(entity, definition, context)
  if (message !== undefined) addEntityError(errors, message)
}

const plans = new WeakMap<EntityCheck, Plan>()

function planOf(entityCheck: EntityCheck): Plan {
  let plan = plans.get(entityCheck)
  if (!plan) {
    plan = makePlan(entityCheck)
    plans.set(entityCheck, plan)
  }
  return plan
}

const given = (entity: ObjectValue, names: readonly string[]): string[] =>
  names.filter((name) => isNonEmpty(getPath(entity, name)))

function makePlan(check: EntityCheck): Plan {
  if (check.conditional) return conditionalPlan(check.conditional)
  if (check.conditional_at_least_one_of) return conditionalListPlan(check.conditional_at_least_one_of)
  if (check.custom_entity_check) {
    const {
      field_sources: fields,
      fn,
      run_with_missing_fields: runsWithMissing = false,
    } = check.custom_entity_check
    return {
      fields,
      needed: fields,
      runsWithMissing,
      runsWithInvalid: false,
      run: (entity, _, { checks }) => fn(entity, checks.nowSeconds),
    }
  }
  if (check.mutually_exclusive_sets) return exclusiveSetsPlan(check.mutually_exclusive_sets)
  return listPlan(check)
}

function listPlan(check: EntityCheck): Plan {
  const plan = (
    names: readonly string[],
    [runsWithMissing, runsWithInvalid]: readonly [boolean, boolean],
    holds: (entity: ObjectValue, given: readonly string[]) => boolean,
    text: string,
  ): Plan => ({
    fields: names,
    needed: names,
    runsWithMissing,
    runsWithInvalid,
    run: (entity, _, { checks }) => {
      if (holds(entity, given(entity, names))) return undefined
      const prefix = checks.updating && text.startsWith('at least') ? 'when updating, ' : ''
      return `${prefix}${text}: ${quotedList(names)}`
    },
  })
  const always: readonly [boolean, boolean] = [true, true]
  if (check.at_least_one_of) {
    const text = 'at least one of these fields must be non-empty'
    return plan(check.at_least_one_of, always, (_, { length }) => length > 0, text)
  }
  if (check.only_one_of) {
    const text = 'exactly one of these fields must be non-empty'
    return plan(check.only_one_of, [false, true], (_, { length }) => length === 1, text)
  }
  if (check.distinct) {
    const text = 'values of these fields must be distinct'
    const isDistinct = (entity: ObjectValue, names: readonly string[]) =>
      new Set(names.map((name) => getPath(entity, name))).size === names.length
    return plan(check.distinct, [false, true], isDistinct, text)
  }
  if (check.mutually_required) {
    const names = check.mutually_required
    const holds = (_: ObjectValue, { length }: readonly string[]) => length === 0 || length === names.length
    return plan(names, [true, false], holds, 'all or none of these fields must be set')
  }
  const text = 'only one or none of these fields must be set'
  return plan(check.mutually_exclusive ?? [], [true, false], (_, { length }) => length < 2, text)
}

function exclusiveSetsPlan({ set1, set2 }: NonNullable<EntityCheck['mutually_exclusive_sets']>): Plan {
  return {
    fields: [...set1, ...set2],
    needed: [],
    runsWithMissing: true,
    runsWithInvalid: false,
    run: (entity) => {
      const [first, second] = [given(entity, set1), given(entity, set2)]
      if (first.length === 0 || second.length === 0) return undefined
      return `these sets are mutually exclusive: (${quotedList(first)}), (${quotedList(second)})`
    },
  }
}

/** The condition judged with everything else the field's own definition says. */
const narrowed = (field: Field | undefined, match: Partial<Field>): Field => ({
  type: 'any',
  ...field,
  ...match,
})

function conditionalPlan(rule: Conditional): Plan {
  return {
    fields: [rule.if_field, rule.then_field],
    needed: [rule.if_field],
    runsWithMissing: false,
    runsWithInvalid: true,
    run: (entity, definition, { judge, errors }) => {
      const ifValue = getPath(entity, rule.if_field)
      const thenValue: Value = getPath(entity, rule.then_field) ?? null
      if (judge(narrowed(definition(rule.if_field), rule.if_match), ifValue)) return undefined
      const failed = `failed conditional validation given value of field '${rule.if_field}'`
      if (rule.then_match.required === true && thenValue === null) {
        setErrorAt(errors, rule.then_field, 'required field missing')
        return failed
      }
      const error = judge(narrowed(definition(rule.then_field), rule.then_match), thenValue)
      if (error === undefined) return undefined
      setErrorAt(errors, rule.then_field, error)
      return rule.then_err?.replace('%s', rule.if_field) ?? failed
    },
  }
}

function conditionalListPlan(rule: ConditionalAtLeastOneOf): Plan {
  const otherwise = rule.else_then_at_least_one_of ?? []
  const text = 'at least one of these fields must be non-empty'
  return {
    fields: [rule.if_field, ...rule.then_at_least_one_of, ...otherwise],
    needed: [],
    runsWithMissing: true,
    runsWithInvalid: true,
    run: (entity, definition, { checks, judge }) => {
      const value = getPath(entity, rule.if_field)
      if (value === undefined) return undefined
      const applies = (match: Partial<Field>): boolean =>
        judge(narrowed(definition(rule.if_field), match), value) === undefined
      const judged = (names: readonly string[], err: string | undefined): string | undefined => {
        if (given(entity, names).length > 0) return undefined
        const list = quotedList(names)
        return err?.replace('%s', list) ?? `${checks.updating ? 'when updating, ' : ''}${text}: ${list}`
      }
      if (applies(rule.if_match)) return judged(rule.then_at_least_one_of, rule.then_err)
      if (!rule.else_match || !applies(rule.else_match)) return undefined
      return judged(otherwise, rule.else_then_err)
    },
  }
}
