/** Faults that are injected on purpose, for tests: `faults` of `mesh/services/<name>`. Time is passed in. */

import type { Settings } from './settings-defaults.ts'
import type { Layer } from './settings-document.ts'

/** What plugin processes are told, of a service whose faults are in force. */
export interface FaultView {
  /** null: no delay. */
  readonly delayMs: number | null
  /** Percent of the requests. */
  readonly delayPercent: number
  readonly abortPercent: number
  readonly abortStatus: number
  /** Of the request as the client sent it; [] for all paths. */
  readonly paths: readonly string[]
  /** Epoch ms: from then on nothing is injected, whoever is still there to say so. */
  readonly untilMs: number
}

export type FaultState =
  | { readonly kind: 'none' }
  /** Their time is over: to be taken out of KV. */
  | { readonly kind: 'over' }
  | { readonly kind: 'in_force'; readonly faults: FaultView }

/** Faults are for tests: none outlives an hour. */
const LONGEST_FAULTS_MS = 3_600_000
/** Clocks of those who write and those who read differ a little. */
const SLACK_MS = 60_000

/**
 * Which documents ask for faults that would last too long. A time that was refused once stays refused when it has come
 * near: else faults would begin by themselves.
 * @param layers what validates by itself, by key of the document
 * @param told what was said against a document before: in this process, or in KV by another
 * @returns errors by key
 */
export function refuseLongFaults(
  layers: ReadonlyMap<string, Layer>,
  told: (key: string) => readonly string[],
  nowMs: number,
): ReadonlyMap<string, readonly string[]> {
  const refused = new Map<string, readonly string[]>()
  for (const [key, layer] of layers) {
    const until = layer.get('faults.until')
    if (typeof until !== 'string') continue
    const error = `faults.until must be at most an hour away when it is written, got "${until}"; write another time`
    const isTooLong = Date.parse(until) > nowMs + LONGEST_FAULTS_MS + SLACK_MS
    if (isTooLong || told(key).includes(error)) refused.set(key, [error])
  }
  return refused
}

export function faultState(faults: Settings['faults'], nowMs: number): FaultState {
  const { delayMs, delayPercent, abortPercent, abortStatus, paths, until } = faults
  if (until === null) return { kind: 'none' }
  const untilMs = Date.parse(until)
  if (untilMs <= nowMs) return { kind: 'over' }
  const isNothing = (delayMs === null || delayPercent === 0) && abortPercent === 0
  if (isNothing) return { kind: 'none' }
  return {
    kind: 'in_force',
    faults: viewOf(faults, untilMs, { delayMs, delayPercent, abortPercent, abortStatus, paths }),
  }
}

/** In one sentence, for people. */
export function faultText({
  delayMs,
  delayPercent,
  abortPercent,
  abortStatus,
  paths,
  untilMs,
}: FaultView): string {
  const what = [
    ...(delayMs === null || delayPercent === 0 ? [] : [`${delayPercent} % are delayed by ${delayMs} ms`]),
    ...(abortPercent === 0 ? [] : [`${abortPercent} % are answered ${abortStatus}`]),
  ]
  const which = paths.length === 0 ? 'of its requests' : `of its requests below ${paths.join(', ')}`
  return `faults are injected on purpose: ${which} ${what.join(' and ')}, until ${new Date(untilMs).toISOString()}`
}

const views = new WeakMap<Settings['faults'], FaultView>()

/** The same settings are the same object: plugin processes are not told again. */
function viewOf(faults: Settings['faults'], untilMs: number, rest: Omit<FaultView, 'untilMs'>): FaultView {
  const known = views.get(faults)
  if (known !== undefined) return known
  const view = { ...rest, untilMs }
  views.set(faults, view)
  return view
}
