import { hostname } from 'node:os'
import { LET_KONG_REACH } from '../../core/plugins-unreached.ts'
import type { FromKong } from '../../sync/circuit-book.ts'
import { type Finding, ok, problem } from './finding.ts'

export interface Reach {
  /** Plugin processes, as they tell the operator of themselves. */
  readonly processes: readonly { readonly node: string; readonly from_kong?: FromKong | null }[]
  /** What keeps worker processes of Kong on this machine from the sockets, in words. */
  readonly troubles: readonly string[]
}

/**
 * Does Kong reach its plugin processes? Where it does not, it answers every request to a service with a plugin 500.
 * `unknown`: no process was called yet, and nothing is seen that keeps Kong from it. Pure.
 */
export function judgeReach({ processes, troubles }: Reach): readonly Finding[] | 'unknown' {
  const refused = processes.flatMap(({ node, from_kong: told }) =>
    told && told.unasked > 0 ? [`${node} (${told.unasked} requests)`] : [],
  )
  if (refused.length > 0) {
    const found = `PLUGINS_UNREACHED: Kong answers 500 and does not call the plugin process of ${refused.join(', ')}`
    return [problem('plugins', [found, ...troubles].join('; '), LET_KONG_REACH)]
  }
  const called = processes.filter(({ from_kong: told }) => told?.called === true)
  if (called.length > 0) {
    return [ok('plugins', `Kong calls them: ${called.map(({ node }) => node).join(', ')}`)]
  }
  if (troubles.length > 0) {
    const found = `PLUGINS_UNREACHED: Kong's worker processes on ${hostname()} cannot open the plugins' sockets`
    return [problem('plugins', `${found}: ${troubles.join('; ')}`, LET_KONG_REACH)]
  }
  return 'unknown'
}

/** A request through the proxy, to a service that has the plugins, came back like this. Pure. */
export function judgeProbe(url: string, host: string, status: number, isKongs: boolean): readonly Finding[] {
  if (!isKongs) return [ok('plugins', `HEAD ${url} for ${host} passes them (${status})`)]
  // Anything else says nothing of the plugins: no route yet, no instance.
  if (status !== 500) return []
  const found = `PLUGINS_UNREACHED: Kong itself answers HEAD ${url} for ${host} with 500, and has called no plugin process yet`
  return [problem('plugins', found, LET_KONG_REACH)]
}
