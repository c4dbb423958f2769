/** Weights of a split while somebody types them. */

import type { Split, SplitLeg } from './change-shapes.ts'

export interface SplitDraft {
  /** As typed, in the order of the legs. */
  readonly texts: readonly string[]
  /** Why it cannot be written; null when it can, or says nothing new. */
  readonly fault: string | null
  /** Of `POST /configure/split`; null while there is nothing to write. */
  readonly body: object | null
}

/** @param typed null before anything was */
export function splitDraft({ service, index, legs }: Split, typed: readonly string[] | null): SplitDraft {
  const texts = typed ?? legs.map(({ weight }) => String(weight))
  const weights = texts.map((text) => (text.trim() === '' ? Number.NaN : Number(text)))
  const isWrong = weights.some((weight) => !(weight >= 0 && weight <= 100))
  const sum = weights.reduce((all, weight) => all + Math.round(weight * 100), 0) / 100
  const fault = isWrong
    ? 'each weight is a number from 0 to 100'
    : sum === 100
      ? null
      : `together ${sum} %, not 100 %`
  const isChanged = legs.some(({ weight }, at) => weight !== weights[at])
  const wanted = legs.map(({ service: to, subset }, at) => ({ service: to, subset, weight: weights[at]! }))
  return { texts, fault, body: fault === null && isChanged ? { service, index, legs: wanted } : null }
}

/** Of two legs the other one gets the rest. */
export function withWeight(texts: readonly string[], at: number, text: string): readonly string[] {
  const weight = Number(text)
  const isPair = texts.length === 2 && text.trim() !== '' && weight >= 0 && weight <= 100
  const rest = String(Math.round((100 - weight) * 100) / 100)
  return texts.map((each, index) => (index === at ? text : isPair ? rest : each))
}

export const legName = ({ service, subset }: SplitLeg): string =>
  subset === null ? service : `${service}/${subset}`
