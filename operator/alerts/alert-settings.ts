/** Thresholds of alerts: KV `mesh/alerts`, JSON or YAML. Everything may be left out; an unknown key refuses the document. */

import { z } from 'zod'
import { explainIssues, parseText } from '../core/settings-document.ts'
import { numberFrom, section, wholeNumber } from '../core/settings-value.ts'

/** How long what is above a threshold has to stay there. */
interface Rule {
  readonly forSeconds: number
}

export interface Below extends Rule {
  /** Percent. null: never. */
  readonly warningBelow: number | null
  readonly criticalBelow: number | null
}

export interface Above extends Rule {
  readonly warning: number | null
  readonly critical: number | null
  /** Requests of the last minute without which nothing is judged. */
  readonly minimumRequests: number
}

export interface ServiceThresholds {
  /** Healthy instances, percent; none at all is critical whatever this says. null: not looked at. */
  readonly serviceHealth: Below | null
  /** Percent of the requests. */
  readonly errorRate: Above | null
  readonly p95Ms: Above | null
  /** Some circuit of the service, or of an instance of it, is open. */
  readonly circuitOpen: Rule | null
}

export interface AlertSettings extends ServiceThresholds {
  readonly meshScore: Below | null
  /** Consul or Kong cannot be reached. */
  readonly unreachable: Rule | null
  /** Pauses, holds, and services of which no instance is healthy and that are kept. */
  readonly held: Rule | null
  /** A canary was rolled back by itself, for a day or until another begins. */
  readonly canary: Rule | null
  /** Of services that have thresholds of their own. */
  readonly services: ReadonlyMap<string, ServiceThresholds>
  /** How long an alert that is over is still listed. */
  readonly resolvedSeconds: number
}

export const DEFAULT_ALERTS: AlertSettings = {
  meshScore: { warningBelow: 80, criticalBelow: 50, forSeconds: 0 },
  serviceHealth: { warningBelow: 50, criticalBelow: null, forSeconds: 0 },
  circuitOpen: { forSeconds: 0 },
  errorRate: { warning: 5, critical: 10, minimumRequests: 20, forSeconds: 30 },
  p95Ms: { warning: 1_000, critical: 3_000, minimumRequests: 20, forSeconds: 30 },
  unreachable: { forSeconds: 10 },
  held: { forSeconds: 0 },
  canary: { forSeconds: 0 },
  services: new Map(),
  resolvedSeconds: 300,
}

const OFF = 'must be false or an object'
const orOff = <T extends z.ZodType>(shape: T) => z.union([z.literal(false), shape], { error: OFF }).optional()
const orNull = (least: number, most: number) => numberFrom(least, most).nullable().optional()
const forSeconds = numberFrom(0, 86_400).optional()

const below = section({ warningBelow: orNull(0, 100), criticalBelow: orNull(0, 100), forSeconds })
const above = (most: number) =>
  section({
    warning: orNull(0, most),
    critical: orNull(0, most),
    minimumRequests: wholeNumber(1, 1_000_000).optional(),
    forSeconds,
  })
const state = section({ forSeconds })

const ofService = {
  serviceHealth: orOff(below),
  errorRate: orOff(above(100)),
  p95Ms: orOff(above(3_600_000)),
  circuitOpen: orOff(state),
}

export const alertsDocument = section({
  ...ofService,
  meshScore: orOff(below),
  unreachable: orOff(state),
  held: orOff(state),
  canary: orOff(state),
  services: z.record(z.string(), section(ofService), { error: 'must be an object' }).optional(),
  resolvedSeconds: numberFrom(0, 86_400).optional(),
})

export type ReadAlerts =
  | { readonly ok: true; readonly settings: AlertSettings }
  | { readonly ok: false; readonly errors: readonly string[] }

const MOST_CHARS = 65_536

/** The document over the defaults; what a service says of itself is over both. */
export function readAlertSettings(text: string): ReadAlerts {
  if (text.length > MOST_CHARS) return refused(`the document has more than ${MOST_CHARS} characters`)
  const parsed = parseText(text)
  if (!parsed.ok) return refused(parsed.error)
  const result = alertsDocument.safeParse(parsed.value)
  if (!result.success) {
    return { ok: false, errors: explainIssues(result.error.issues, parsed.value, alertsDocument) }
  }
  const { services = {}, resolvedSeconds, ...document } = result.data
  const all = DEFAULT_ALERTS
  const ours = thresholds(document, all)
  return {
    ok: true,
    settings: {
      ...ours,
      meshScore: over(document.meshScore, all.meshScore),
      unreachable: over(document.unreachable, all.unreachable),
      held: over(document.held, all.held),
      canary: over(document.canary, all.canary),
      services: new Map(Object.entries(services).map(([name, own]) => [name, thresholds(own, ours)])),
      resolvedSeconds: resolvedSeconds ?? all.resolvedSeconds,
    },
  }
}

type ServiceDocument = z.infer<z.ZodObject<typeof ofService>>

function thresholds(own: ServiceDocument, base: ServiceThresholds): ServiceThresholds {
  return {
    serviceHealth: over(own.serviceHealth, base.serviceHealth ?? DEFAULT_ALERTS.serviceHealth),
    errorRate: over(own.errorRate, base.errorRate ?? DEFAULT_ALERTS.errorRate),
    p95Ms: over(own.p95Ms, base.p95Ms ?? DEFAULT_ALERTS.p95Ms),
    circuitOpen: over(own.circuitOpen, base.circuitOpen ?? DEFAULT_ALERTS.circuitOpen),
    ...offIn(own, base),
  }
}

/** What the mesh has switched off stays so for a service that says nothing. */
function offIn(own: ServiceDocument, base: ServiceThresholds): Partial<ServiceThresholds> {
  const keys = Object.keys(ofService) as (keyof ServiceThresholds)[]
  const off = keys.filter((key) => own[key] === undefined && base[key] === null)
  return Object.fromEntries(off.map((key) => [key, null]))
}

type Loose<T> = { readonly [K in keyof T]?: T[K] | undefined }

function over<T extends object>(own: false | Loose<T> | undefined, base: T | null): T | null {
  if (own === false) return null
  if (own === undefined) return base
  const given = Object.fromEntries(Object.entries(own).filter(([, value]) => value !== undefined))
  return { ...base, ...given } as T
}

const refused = (error: string): ReadAlerts => ({ ok: false, errors: [error] })
