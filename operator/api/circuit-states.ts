/** Circuits of all plugin processes as one word per instance and per service. */

import type { CircuitRow } from '../sync/list-circuits.ts'

export type CircuitState = 'closed' | 'open' | 'half_open'

export interface CircuitStates {
  /** By Consul id of the instance. */
  readonly instances: ReadonlyMap<string, CircuitState>
  readonly services: ReadonlyMap<string, CircuitState>
}

/** Where processes differ the worst counts: that is where requests are turned away. */
export function circuitStates(rows: readonly CircuitRow[]): CircuitStates {
  const instances = new Map<string, CircuitState>()
  const services = new Map<string, CircuitState>()
  for (const row of rows) {
    const state = stateOf(row)
    if (row.kind === 'service') {
      if (row.service !== '') services.set(row.service, worst(services.get(row.service), state))
    } else if (row.instance_id !== null) {
      instances.set(row.instance_id, worst(instances.get(row.instance_id), state))
    }
  }
  return { instances, services }
}

const STATES: Readonly<Record<string, CircuitState>> = {
  open: 'open',
  forced_open: 'open',
  ejected: 'open',
  half_open: 'half_open',
  probing: 'half_open',
}

function stateOf({ state, mode }: CircuitRow): CircuitState {
  if (state === 'unknown') return mode === 'forced_open' ? 'open' : 'closed'
  return STATES[state] ?? 'closed'
}

const RANK: Readonly<Record<CircuitState, number>> = { closed: 0, half_open: 1, open: 2 }

const worst = (left: CircuitState | undefined, right: CircuitState): CircuitState =>
  left !== undefined && RANK[left] >= RANK[right] ? left : right
