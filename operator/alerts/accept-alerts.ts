/** Which thresholds are in force: a document that does not validate leaves the last good one. */

import type { Refusal } from '../core/settings.ts'
import { type KvRows, parseStatus } from '../core/settings-status.ts'
import { type AlertSettings, DEFAULT_ALERTS, readAlertSettings } from './alert-settings.ts'

export const ALERTS_KEY = 'mesh/alerts'
/** Of a name that no service's status has: those hold no slash. */
export const ALERTS_STATUS_KEY = 'mesh/status/alerts/thresholds'

export interface AcceptedAlerts {
  readonly settings: AlertSettings
  /** The document they come from; null: there was none. */
  readonly text: string | null
  /** What is wrong with the document that KV holds now; null when it is in force. */
  readonly refusal: Refusal | null
}

/**
 * @param previous what was in force; null when the operator has just started, where KV's own memory of the last good
 *   document stands in
 * @param rows of KV: the document, and `mesh/status/`
 */
export function acceptAlerts(previous: AcceptedAlerts | null, rows: KvRows): AcceptedAlerts {
  const row = rows.get(ALERTS_KEY)
  if (row === undefined) return NO_DOCUMENT
  const read = readAlertSettings(row.text)
  if (read.ok) return { settings: read.settings, text: row.text, refusal: null }
  const kept = previous ?? remembered(rows)
  return { ...kept, refusal: { errors: read.errors, lastGood: kept.text } }
}

const NO_DOCUMENT: AcceptedAlerts = { settings: DEFAULT_ALERTS, text: null, refusal: null }

function remembered(rows: KvRows): AcceptedAlerts {
  const text = parseStatus(rows.get(ALERTS_STATUS_KEY)?.text ?? '')?.lastGood ?? null
  const read = text === null ? null : readAlertSettings(text)
  return read?.ok === true ? { settings: read.settings, text, refusal: null } : NO_DOCUMENT
}
