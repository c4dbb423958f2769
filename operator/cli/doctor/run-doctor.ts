import { hostname } from 'node:os'
import type { ProcessConfig } from '../../config/load-config.ts'
import { OPERATOR_SERVICE } from '../../core/exposure.ts'
import type { NodeProbe } from '../../core/kong-nodes.ts'
import type { Problem } from '../../core/problem.ts'
import type { OutcomeWay } from '../../core/service-plugins.ts'
import { adminUrls } from '../../kong/admin-urls.ts'
import { KongAdmin } from '../../kong/kong-admin.ts'
import { probeNode } from '../../kong/probe-node.ts'
import { tlsFetch } from '../../secrets/tls-fetch.ts'
import type { KongConfig, OperatorConfig } from '../../sync/operator-config.ts'
import { createMetrics } from '../../telemetry/metrics.ts'
import { agentApi } from '../agent-api.ts'
import { type CliError, explain } from '../cli-error.ts'
import type { MeshReading } from '../mesh-reading.ts'
import {
  readCircuits,
  readIntentions,
  readOperatorSettings,
  readProblems,
  readReadiness,
} from '../operator-client.ts'
import { packageVersion } from '../package-root.ts'
import { readMesh } from '../read-mesh.ts'
import { hiddenLines, isReachable } from '../status-report.ts'
import { isFree } from '../up/free-ports.ts'
import { protocolOf } from '../up/plan-ports.ts'
import { describeOwner, readPortOwner } from '../up/port-owner.ts'
import { whatToDo } from '../what-to-do.ts'
import { type Finding, ok, problem, warning } from './finding.ts'
import { judgeAddresses } from './judge-addresses.ts'
import { judgeIntentions } from './judge-intentions.ts'
import { judgeReach } from './judge-reach.ts'
import { judgeOperatorVersions, judgePluginVersions } from './judge-versions.ts'
import { judgeKong, judgeKongNodes, type KongFacts } from './kong-facts.ts'
import { judgePluginProcesses, judgeRandomServices } from './plugin-facts.ts'
import { probePlugins } from './probe-plugins.ts'
import { readKongFacts } from './read-kong-facts.ts'
import { socketTrouble } from './socket-access.ts'

const OLDEST_NODE = [20, 11] as const
/** Older ones have no configuration entries of all the kinds that are read. */
const OLDEST_CONSUL = [1, 8] as const

/** Looks at everything kongsul needs; one finding each. Never throws: what cannot be asked is a finding. */
export async function runDoctor(config: ProcessConfig): Promise<readonly Finding[]> {
  const consul = await lookAtConsul(config)
  const kong = await lookAtKong(config)
  const plugins = await lookAtPlugins(config, kong)
  const found = [
    nodeFinding(process.versions.node),
    ...(await lookAtPorts(config)),
    ...consul.findings,
    ...kong.findings,
    ...(await lookAtOperator(config)),
    ...(await lookAtIntentions(config)),
    ...plugins.findings,
    ...(consul.node !== null && kong.reachable
      ? await lookAtMesh(config, { consulNode: consul.node, shallProbe: plugins.shallProbe })
      : []),
    ...(await lookAtProblems(config)),
  ]
  // What an operator says is wrong is found by looking as well, most of it.
  return [...new Map(found.map((each) => [JSON.stringify(each), each])).values()]
}

/** Is this Consul new enough? @param where in words, of which the version is the first */
export function consulFinding(version: string, where: string): Finding {
  if (isAtLeast(version, OLDEST_CONSUL)) return ok('consul', `${version} ${where}`)
  return problem(
    'consul',
    `${version} ${where} is too old`,
    `use Consul ${OLDEST_CONSUL.join('.')} or newer; kongsul is tested with 1.8.7 and 1.22`,
  )
}

/** Is this Node new enough? */
export function nodeFinding(version: string): Finding {
  if (isAtLeast(version, OLDEST_NODE)) return ok('node', `Node ${version}`)
  return problem(
    'node',
    `Node ${version} is too old`,
    `install Node ${OLDEST_NODE.join('.')} or newer: https://nodejs.org`,
  )
}

function isAtLeast(version: string, [oldestMajor, oldestMinor]: readonly [number, number]): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)
}

async function lookAtPorts({ ports }: ProcessConfig): Promise<Finding[]> {
  const names = ['proxy', 'proxyTls', 'admin', 'api', 'plugins', 'feed', 'consul'] as const
  const lines = await Promise.all(
    names.map(async (name) => {
      const port = ports[name]
      const protocol = protocolOf(name)
      const owner = (await isFree(port, protocol))
        ? 'free'
        : describeOwner(await readPortOwner(port, protocol))
      return ok('ports', `${name} ${protocol === 'udp' ? 'UDP ' : ''}${port}: ${owner}`)
    }),
  )
  return lines
}

/** The agent, its leader, and what the token may read; the node is null where that failed. */
export async function lookAtConsul({
  operator,
}: ProcessConfig): Promise<{ findings: Finding[]; node: string | null }> {
  const { url, token } = operator.consul
  const agent = agentApi(operator.consul)
  try {
    const { version, node, datacenter } = await agent.self()
    const findings = [consulFinding(version, `at ${url}, node ${node}, datacenter ${datacenter}`)]
    const leader = await agent.leader()
    findings.push(
      leader
        ? ok('consul', `leader ${leader}`)
        : problem(
            'consul',
            'it has no leader',
            'see `consul operator raft list-peers`; nothing changes in Kong meanwhile',
          ),
    )
    await agent.serviceNames()
    await agent.readKey('mesh/defaults')
    findings.push(
      ok(
        'consul',
        token ? 'the ACL token may read services and keys' : 'services and keys can be read without a token',
      ),
    )
    return { findings, node }
  } catch (error) {
    const { code } = error as { code?: string }
    const mend =
      code === 'CONSUL_DENIED'
        ? 'give a token (CONSUL_HTTP_TOKEN or CONSUL_HTTP_TOKEN_FILE) that may read agent, nodes, services and the keys below mesh/'
        : (whatToDo(error) ?? 'mend what it says')
    return { findings: [problem('consul', explain(error), mend)], node: null }
  } finally {
    agent.close()
  }
}

/** Every Admin URL, and the proxy. */
export async function lookAtKong({ operator }: ProcessConfig): Promise<{
  readonly findings: readonly Finding[]
  readonly reachable: boolean
  readonly meshPlugins: KongFacts['meshPlugins']
  /** What keeps worker processes of Kong from the plugins' sockets, where they are on this machine. */
  readonly troubles: readonly string[]
}> {
  const { kong, outcomes } = operator
  const nodes = await Promise.all(
    adminUrls(kong).map((adminUrl) => lookAtNode({ ...kong, adminUrl }, outcomes)),
  )
  const findings = nodes.flatMap((node) => node.findings)
  const reachable = nodes.some(({ probe }) => probe.kind !== null)
  return {
    findings: [
      ...findings,
      ...judgeKongNodes(nodes.map(({ probe }) => probe)),
      ...(reachable ? [await proxyFinding(operator)] : []),
    ],
    reachable,
    meshPlugins: nodes.find((node) => node.meshPlugins !== undefined)?.meshPlugins,
    troubles: nodes.flatMap(({ facts }) => (facts === undefined ? [] : socketTroubles(facts))),
  }
}

async function lookAtNode(
  kong: KongConfig,
  outcomes: OutcomeWay | undefined,
): Promise<{
  readonly findings: readonly Finding[]
  readonly probe: NodeProbe
  readonly meshPlugins?: KongFacts['meshPlugins']
  readonly facts?: KongFacts
}> {
  const { adminUrl } = kong
  const admin = new KongAdmin(kong, createMetrics(''))
  try {
    const probe = await probeNode(admin)
    if (probe.error !== null) throw probe.error
    const facts = await readKongFacts(admin)
    return { findings: judgeKong(facts, adminUrl, outcomes), probe, meshPlugins: facts.meshPlugins, facts }
  } catch (error) {
    const { code } = error as { code?: string }
    const mend =
      code === 'KONG_DENIED'
        ? 'set kong.token (KONGSUL_KONG_TOKEN) and, where the header is another, kong.tokenHeader'
        : (whatToDo(error) ?? 'mend what it says')
    const probe = { url: adminUrl, kind: null, isDatabaseReachable: false, error: error as Error }
    return { findings: [problem('kong', `${adminUrl}: ${explain(error)}`, mend)], probe }
  } finally {
    admin.close()
  }
}

async function proxyFinding({
  proxyUrl: url,
  proxyTls: tls,
}: Pick<OperatorConfig, 'proxyUrl' | 'proxyTls'>): Promise<Finding> {
  try {
    const asked = { method: 'GET', signal: AbortSignal.timeout(5_000), redirect: 'manual' } as const
    const { status } = await tlsFetch(tls, 'kong.proxy')(url, asked)
    return ok('kong', `the proxy answers at ${url} (${status})`)
  } catch (error) {
    return problem(
      'kong',
      `the proxy does not answer at ${url}: ${explain(error)}`,
      'start it, or set KONG_PROXY_URL',
    )
  }
}

async function lookAtOperator(config: ProcessConfig): Promise<Finding[]> {
  const { addr } = config
  let readiness: Awaited<ReturnType<typeof readReadiness>>
  try {
    readiness = await readReadiness(config)
  } catch (error) {
    const { answer, remedy } = error as CliError
    return [problem('operator', `${addr}: ${answer}`, remedy)]
  }
  if (readiness === null) {
    return [
      warning(
        'operator',
        `no operator answers at ${addr}`,
        'start it with kongsul operator, or set KONGSUL_ADDR',
      ),
    ]
  }
  if (readiness.ready) return [ok('operator', `ready at ${addr}`)]
  return [warning('operator', `the operator at ${addr} is not ready`, 'its log and GET /readyz say why')]
}

/** Only an operator knows what it has read of them. */
async function lookAtIntentions(config: ProcessConfig): Promise<readonly Finding[]> {
  const intentions = await readIntentions(config).catch(() => null) // a token that is refused is told elsewhere
  return intentions === null ? [] : judgeIntentions(intentions)
}

function socketTroubles({ hostname: host, workers: [pid], sockets }: KongFacts): readonly string[] {
  if (pid === undefined || host !== hostname()) return []
  return sockets.flatMap((socket) => socketTrouble(pid, socket) ?? []).slice(0, 1) // one folder has them all
}

/** Only an operator hears from the plugin processes; where none answers, that is said elsewhere. */
async function lookAtPlugins(
  config: ProcessConfig,
  {
    meshPlugins,
    troubles,
  }: { readonly meshPlugins: KongFacts['meshPlugins']; readonly troubles: readonly string[] },
): Promise<{ readonly findings: readonly Finding[]; readonly shallProbe: boolean }> {
  if (meshPlugins === undefined || meshPlugins.length === 0) return { findings: [], shallProbe: false }
  const known = (findings: readonly Finding[]) => ({ findings, shallProbe: false })
  const alone = judgeReach({ processes: [], troubles })
  if ((await readReadiness(config).catch(() => null)) === null) return known(alone === 'unknown' ? [] : alone)
  try {
    const { processes } = await readCircuits(config)
    const findings = [
      ...judgePluginProcesses(processes, config.addr),
      ...judgePluginVersions(processes, packageVersion()),
    ]
    const reach = judgeReach({ processes, troubles })
    if (reach !== 'unknown') return known([...findings, ...reach])
    return { findings, shallProbe: processes.some(({ from_kong: told }) => told?.called === false) }
  } catch (error) {
    return known([
      warning('plugins', explain(error), 'set KONGSUL_TOKEN_FILE to a file with the token of this operator'),
    ])
  }
}

async function lookAtMesh(
  config: ProcessConfig,
  { consulNode, shallProbe }: { readonly consulNode: string; readonly shallProbe: boolean },
): Promise<Finding[]> {
  try {
    // As the operator that runs decides, where one does.
    const settings = await readOperatorSettings(config)
    const reading = await readMesh({ ...config.operator, ...settings })
    const { consul, kong } = config.operator
    const hosts = { kongHost: new URL(adminUrls(kong)[0]).hostname, consulHost: new URL(consul.url).hostname }
    return [
      ...judgeOperatorVersions(reading.snapshot, config.operator.mesh, packageVersion()),
      ...judgeAddresses(reading.snapshot, { ...hosts, consulNode }),
      ...exposureFindings(reading),
      ...judgeRandomServices(reading.desired),
      ...(shallProbe ? await probePlugins(config.operator, reading.desired.services) : []),
      ...reading.desired.problems.map(problemFinding),
    ]
  } catch (error) {
    return [problem('instances', explain(error), 'mend Consul and Kong first, then run this again')]
  }
}

/** What only an operator that runs knows of: entries, certificates, conflicts, the election. */
async function lookAtProblems(config: ProcessConfig): Promise<readonly Finding[]> {
  const problems = await readProblems(config).catch(() => []) // a token that is refused is told elsewhere
  // That Kong does not reach its plugins is told with what is seen of the sockets.
  return problems.filter(({ code }) => code !== 'PLUGINS_UNREACHED').map(problemFinding)
}

const problemFinding = ({ severity, service, message, code }: Problem): Finding =>
  (severity === 'error' ? problem : warning)('mesh', `${service ? `${service}: ` : ''}${code}`, message)

function exposureFindings({ desired }: MeshReading): Finding[] {
  // Its API is never published: that is no fault to mend.
  const services = desired.services.filter((each) => isReachable(each) && each.service !== OPERATOR_SERVICE)
  const exposed = services.filter((service) => service.exposed).length
  const total = `${exposed} of ${services.length} services are reachable through the proxy`
  if (exposed === services.length) return [ok('exposure', total)]
  return [
    warning(
      'exposure',
      `${total}; ${hiddenLines(services).join('; ')}`,
      'expose one by the tag kongsul.enable=true, the meta mesh-expose: true or KV mesh/services/NAME {"expose": true}; ' +
        'all by KV mesh/defaults {"expose": {"default": "all"}}',
    ),
  ]
}
