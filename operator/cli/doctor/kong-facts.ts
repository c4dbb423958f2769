import { judgeNodes, type NodeProbe } from '../../core/kong-nodes.ts'
import { howToLoad, missingFrom } from '../../core/missing-plugins.ts'
import type { MeshPlugin, OutcomeWay } from '../../core/service-plugins.ts'
import { type Finding, ok, problem, warning } from './finding.ts'

/** What a running Kong says about itself; undefined where it did not say. */
export interface KongFacts {
  readonly version: string | undefined
  readonly database: string | undefined
  readonly routerFlavor: string | undefined
  readonly workerConsistency: string | undefined
  readonly workerStateUpdateFrequency: number | undefined
  readonly enabledPlugins: readonly string[] | undefined
  /** Plugins of kongsul that are loaded. */
  readonly meshPlugins: readonly MeshPlugin[] | undefined
  /** Where Kong's own access log of the proxy goes. */
  readonly proxyAccessLog: string | undefined
  readonly hostname: string | undefined
  /** Process ids, on that host. */
  readonly workers: readonly number[]
  /** Where Kong calls the plugins of kongsul: paths. */
  readonly sockets: readonly string[]
  /** `GET /` failed with this: Kong 3.9 answers 500 when it starts a plugin server itself. */
  readonly rootError: string | undefined
}

/** Do several Admin URLs go together? Pure. */
export function judgeKongNodes(probes: readonly NodeProbe[]): readonly Finding[] {
  if (probes.length === 1) return []
  const verdict = judgeNodes(probes, probes[0]!.url)
  if (verdict.kind === 'mixed') {
    const mend = 'give only nodes that go together in KONG_ADMIN_URL; nothing is written until then'
    return [problem('kong', verdict.message, mend)]
  }
  if (verdict.kind === 'dbless') {
    return [ok('kong', `${probes.length} nodes without a database, each kept in step on its own`)]
  }
  if (verdict.kind === 'silent') return []
  return [ok('kong', `${probes.length} nodes of one database; ${verdict.use} would be used`)]
}

const SLOW_FREQUENCY_S = 0.5

/** What is right and wrong with a Kong for kongsul. Pure. */
export function judgeKong(facts: KongFacts, url: string, outcomes?: OutcomeWay): readonly Finding[] {
  const { version, database, enabledPlugins, rootError, routerFlavor } = facts
  const findings: Finding[] = []
  if (version === undefined) findings.push(ok('kong', `answers at ${url}; its version is not told`))
  else if (/^(kong\/)?3\.(9|\d\d)/.test(version)) findings.push(ok('kong', `${version} at ${url}`))
  else {
    const advice = 'use Kong Gateway OSS 3.9, the version kongsul is tested with'
    findings.push(
      /^(kong\/)?3\./.test(version)
        ? warning('kong', `version ${version}`, advice)
        : problem('kong', `version ${version}`, advice),
    )
  }
  if (rootError !== undefined) {
    findings.push(
      warning(
        'kong',
        `GET / answered ${rootError}, so its settings cannot be seen; Kong itself works`,
        'Kong 3.9 does so when it starts a plugin server itself: run plugin servers apart and remove KONG_PLUGINSERVER_*_START_CMD',
      ),
    )
  }
  if (database === 'off') {
    findings.push(
      ok(
        'kong',
        'database off: it is given one configuration as a whole, in batches; people override by KV and the health of targets, not by editing fields',
      ),
    )
  } else if (database !== undefined) findings.push(ok('kong', `database ${database}`))
  findings.push(...judgeFollowing(facts))
  if (routerFlavor !== undefined) findings.push(ok('kong', `router_flavor ${routerFlavor}`))
  if (enabledPlugins !== undefined) findings.push(ok('kong', `${enabledPlugins.length} plugins available`))
  findings.push(...judgePlugins(facts, outcomes))
  return findings
}

function judgePlugins({ meshPlugins, proxyAccessLog }: KongFacts, outcomes?: OutcomeWay): Finding[] {
  if (meshPlugins === undefined) return []
  const missing = missingFrom(meshPlugins, outcomes)
  if (missing.length === 0) {
    const log = outcomes === 'observer' ? [] : judgeAccessLog(proxyAccessLog)
    return [ok('kong', `${meshPlugins.join(' and ')} are loaded`), ...log]
  }
  return [
    warning('kong', `PLUGINS_MISSING: Kong has not loaded ${missing.join(' and ')}`, howToLoad(outcomes)),
  ]
}

/** nginx's `off` cancels every access log of its level, the one that goes to the plugins too. */
function judgeAccessLog(proxyAccessLog: string | undefined): Finding[] {
  if (proxyAccessLog !== 'off') return []
  return [
    warning(
      'kong',
      'proxy_access_log is off, so the plugins hear of no request: no circuit opens and nothing is counted',
      'set proxy_access_log (KONG_PROXY_ACCESS_LOG) to a file, or to /dev/null',
    ),
  ]
}

/** How soon a new route is served after the Admin API has taken it. */
function judgeFollowing(facts: KongFacts): Finding[] {
  const { database, workerConsistency, workerStateUpdateFrequency: seconds } = facts
  // All of a configuration is served some milliseconds later, whatever the frequency.
  if (database === 'off') return []
  if (workerConsistency === 'strict')
    return [ok('kong', 'worker_consistency strict: writes are served at once')]
  if (seconds === undefined) return []
  if (seconds <= SLOW_FREQUENCY_S) return [ok('kong', `worker_state_update_frequency ${seconds} s`)]
  return [
    warning(
      'kong',
      `worker_state_update_frequency is ${seconds} s: a new service answers 404 for up to that long`,
      'set worker_state_update_frequency = 0.1 (KONG_WORKER_STATE_UPDATE_FREQUENCY=0.1), as kong/kong.conf does',
    ),
  ]
}
