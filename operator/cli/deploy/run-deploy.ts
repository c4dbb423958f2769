// Start at runDeploy: each step is one line of what is printed.
import type { ProcessConfig } from '../../config/load-config.ts'
import type { ServiceReport } from '../../core/desired.ts'
import type { Entity } from '../../core/entity.ts'
import type { PlannedChange } from '../../core/plan-report.ts'
import { whoLeads } from '../../leader/who-leads.ts'
import { CliError } from '../cli-error.ts'
import { counted } from '../counted.ts'
import { judgeAddresses } from '../doctor/judge-addresses.ts'
import type { Io } from '../io.ts'
import { problemLines } from '../plan-report.ts'
import { waitUntil } from '../up/wait-until.ts'
import { asOperator } from './as-operator.ts'
import { begunLine, changeLine, doneLine, reachLine, writesLine } from './change-lines.ts'
import { healthOf } from './check-health.ts'
import { COMPOSE_ORDER, openCompose } from './compose.ts'
import { concernedServices } from './concerned-services.ts'
import { isAgreed } from './confirm.ts'
import { type ConsulChange, deployChanges, withChanges } from './consul-changes.ts'
import { type DeployFile, serviceNames } from './deploy-file.ts'
import { followKong } from './follow.ts'
import { isRouted, MeshSide } from './mesh-side.ts'
import { type Probe, probesOf, takenBy } from './probes.ts'
import { type ReachChange, reachChanges } from './reach-changes.ts'
import { readGivenFile } from './read-file.ts'
import { Steps } from './steps.ts'
import { noted, undoable } from './undoable.ts'
import { untilServed, untilServedOften } from './validate.ts'
import { verifyDependencies } from './verify.ts'

export type Target = 'compose' | 'existing'

export interface DeployOptions {
  readonly target: Target
  readonly yes: boolean
  /** For Kong to follow, and again for the services to answer. */
  readonly timeoutMs: number
}

/** What a run was about. */
export interface Deployed {
  /** false: it was not agreed to, and nothing was changed. */
  readonly deployed: boolean
  readonly changes: readonly ConsulChange[]
  readonly routes: readonly ReachChange[]
  /** Where each service is reached, and what a real request there came back with. */
  readonly reached: readonly { readonly service: string; readonly url: string; readonly answer: string }[]
}

/**
 * Deploys the services of a file. Does nothing twice: what is there already is left alone.
 * @throws CliError with what was done so far and how to take it back
 */
export async function runDeploy(
  path: string,
  given: ProcessConfig,
  options: DeployOptions,
  io: Io,
): Promise<Deployed> {
  const file = await readGivenFile(path)
  const run = new Run(path, file, options, io)
  try {
    return await run.run(given)
  } catch (error) {
    const target = options.target === 'compose' ? ' --target compose' : ''
    const undo = `kongsul destroy ${path}${target}`
    throw undoable(error, { what: `deploying ${path}`, left: run.left, undo })
  } finally {
    run.close()
  }
}

/** What would be done. */
interface Asked {
  readonly changes: readonly ConsulChange[]
  readonly routes: readonly ReachChange[]
  /** What this process would write to Kong, since nobody leads. */
  readonly writes: readonly PlannedChange[]
}

class Run {
  /** What was done, in words. */
  readonly left: string[] = []
  readonly #path: string
  readonly #file: DeployFile
  readonly #options: DeployOptions
  readonly #io: Io
  readonly #steps: Steps
  #side: MeshSide | null = null

  constructor(path: string, file: DeployFile, options: DeployOptions, io: Io) {
    this.#path = path
    this.#file = file
    this.#options = options
    this.#io = io
    this.#steps = new Steps(io)
  }

  async run(given: ProcessConfig): Promise<Deployed> {
    const steps = this.#steps
    const services = new Set(serviceNames(this.#file))
    const started = this.#options.target === 'compose' ? await this.#compose(given) : given
    await steps.run('verify', async () => {
      const { found, warnings } = await verifyDependencies(started)
      for (const warning of warnings) steps.note(`warning: ${warning}`)
      return found
    })
    const config = await asOperator(started, (line) => {
      // What the one of compose runs with is known, also where it lets nobody ask.
      if (this.#options.target !== 'compose') steps.note(line)
    })
    this.#side = await MeshSide.open(config)
    const side = this.#side
    const found = await side.readConsul()
    const changes = deployChanges(this.#file, found)
    const { actual, diff, plan, snapshot, desired } = await side.readMesh(changes, found)
    const isLed = (await whoLeads(config.operator.consul, config.operator.mesh)) !== null
    const concerned = isLed
      ? null
      : concernedServices([...services], {
          before: changes.length === 0 ? plan.changes : (await side.readMesh([], found)).plan.changes,
          after: plan.changes,
          wanted: desired.state,
        })
    const isWritten = ({ service }: { service: string }) => concerned?.has(service) ?? true
    const routes = reachChanges(actual, diff.changes.filter(isWritten))
    const isInKong =
      routes.length === 0 && !plan.changes.some((change) => services.has(change.service) && isRouted(change))
    const isNothing = changes.length === 0 && isInKong
    const writes = isNothing || isLed ? [] : plan.changes.filter(isWritten)
    const own = desired.problems.filter(({ service }) => services.has(service))
    for (const line of problemLines(own, this.#io.paint)) this.#steps.note(line)
    const node = await side.node()
    await this.#warnOfAddresses(config, withChanges({ ...found, snapshot }, changes, node), node)
    if (changes.length > 0 || routes.length > 0 || writes.length > 0) {
      for (const line of [...changes.map(changeLine), ...routes.map(reachLine)]) steps.say(line)
      if (writes.length > 0) steps.say(writesLine(writes))
      if (!(await this.#isAgreed({ changes, routes, writes })))
        return { deployed: false, changes, routes, reached: [] }
    }
    await this.#write(changes)
    await steps.run('wait for checks', (waiting) => this.#healthy(waiting))
    await steps.run('configure Kong', async (waiting) => {
      if (isNothing) return 'nothing to change'
      const { timeoutMs } = this.#options
      const kong = {
        begun: 'Kong: what is listed above, or a part of it',
        done: `Kong: ${counted(routes.length, 'route')} (listed above)`,
      }
      return await noted(this.left, kong, () =>
        followKong(config, side, {
          ...{ services, timeoutMs, waiting },
          concerned: concerned ?? services,
          isRemoval: false,
        }),
      )
    })
    const now = await side.readMesh()
    const reached = await this.#validate(
      config,
      now.desired.services.filter(({ service }) => services.has(service)),
      [...now.actual.values()],
    )
    await this.#close(config, reached, !isNothing)
    return { deployed: true, changes, routes, reached }
  }

  close(): void {
    this.#side?.close()
  }

  async #compose(given: ProcessConfig): Promise<ProcessConfig> {
    const compose = await openCompose()
    await this.#steps.run('build images', async () => {
      await compose.build()
      return 'done'
    })
    for (const service of COMPOSE_ORDER) {
      await this.#steps.run(`start ${service}`, async () => {
        const up = () => compose.up(service)
        const begun = 'containers of docker-compose.yml may have started'
        const done = 'containers of docker-compose.yml started'
        await (this.left.length === 0 ? noted(this.left, { begun, done }, up) : up())
        return 'healthy'
      })
    }
    return await compose.configured(given)
  }

  async #warnOfAddresses(
    config: ProcessConfig,
    { snapshot }: ReturnType<typeof withChanges>,
    consulNode: string,
  ): Promise<void> {
    const own = new Map([...snapshot.services].filter(([name]) => serviceNames(this.#file).includes(name)))
    const { consul, kong } = config.operator
    const hosts =
      this.#options.target === 'compose'
        ? { kongHost: 'kong', consulHost: 'consul' }
        : {
            kongHost: new URL(kong.adminUrl.split(',')[0]!).hostname,
            consulHost: new URL(consul.url).hostname,
          }
    for (const { level, found, mend } of judgeAddresses({ services: own }, { ...hosts, consulNode })) {
      if (level === 'problem') this.#steps.note(`warning: ${found}\n           -> ${mend}`)
    }
  }

  /** A Kong of compose is this mesh's own; one that exists serves others. */
  #isAgreed(asked: Asked): Promise<boolean> {
    const { yes, target } = this.#options
    const what = [
      `${counted(asked.changes.length, 'change')} in Consul, ${counted(asked.routes.length, 'route')} in Kong`,
      ...(asked.writes.length === 0
        ? []
        : [`${counted(asked.writes.length, 'change')} of this command in Kong`]),
    ].join(', ')
    const question = `${what}. Go on?`
    return isAgreed({ yes: yes || target === 'compose', what, question }, this.#io)
  }

  async #write(changes: readonly ConsulChange[]): Promise<void> {
    await this.#steps.run('register', async (waiting) => {
      for (const change of changes) {
        waiting(change.what === 'settings' ? change.key : change.id)
        const lines = { begun: begunLine(change), done: doneLine(change) }
        await noted(this.left, lines, () => this.#side!.write(change))
      }
      const instances = counted(this.#file.registrations.length, 'instance')
      if (changes.length === 0) return `nothing to change, ${instances} and all settings are as the file says`
      return `${changes.map(doneLine).join(', ')}`
    })
  }

  /** Until then Consul calls them critical, and Kong gives them nothing. */
  async #healthy(waiting: (text: string) => void): Promise<string> {
    const { timeoutMs: deadlineMs } = this.#options
    const look = async () => healthOf(this.#file, (await this.#side!.readConsul()).snapshot)
    let health = await look()
    const isHealthy = async () => {
      health = await look()
      waiting(health.summary)
      return health.unhealthy.length === 0
    }
    // Its own words say more than that it took too long.
    await waitUntil(isHealthy, { deadlineMs, what: 'all checks passing', pollMs: 200 }).catch(
      (error: unknown) => {
        if (health.unhealthy.length === 0) throw error
      },
    )
    if (health.dead.length > 0) {
      throw new CliError('DEPLOY_UNHEALTHY', {
        tried: `waiting ${deadlineMs / 1000} s for the checks of ${health.dead.join(', ')}`,
        answer: health.unhealthy.join('; '),
        remedy: 'start the instances, or mend health_check in the file; Consul takes out what stays critical',
      })
    }
    for (const each of health.unhealthy) this.#steps.note(`warning: ${each}; it gets no requests`)
    return health.summary
  }

  /** Real requests: each host and path once it is served, then some more to each service. */
  async #validate(
    { operator: { proxyUrl, proxyTls } }: ProcessConfig,
    services: readonly ServiceReport[],
    kong: readonly Entity[],
  ): Promise<Deployed['reached']> {
    const reached: Deployed['reached'][number][] = []
    for (const report of services) {
      const { service, exposed, exposureReason } = report
      const registrations = this.#file.registrations.filter(({ Name }) => Name === service)
      const probes = exposed ? probesOf(report, registrations) : []
      await this.#steps.run(`validate ${service}`, async (waiting) => {
        if (!exposed) return `not reachable through the proxy: ${exposureReason}`
        const asking = { proxyUrl, proxyTls, deadlineMs: this.#options.timeoutMs, waiting }
        const answers: string[] = []
        const own: Probe[] = []
        for (const probe of probes) {
          const other = takenBy(probe, kong)
          if (other !== null) {
            answers.push(`${probe.shown} is not its: route ${other}, which is not kongsul's, goes before`)
            continue
          }
          own.push(probe)
          const answer = await untilServed(probe, asking)
          answers.push(`${probe.shown} ${answer}`)
          reached.push({ service, url: probe.shown, answer })
        }
        if (probes.length === 0) return 'no host or path that can be asked for without more'
        const [first] = own
        if (first !== undefined) await untilServedOften(first, asking)
        return answers.join(', ')
      })
    }
    return reached
  }

  /** Access information. */
  async #close(config: ProcessConfig, reached: Deployed['reached'], isChanged: boolean): Promise<void> {
    const { operator, addr } = config
    const leader = await whoLeads(operator.consul, operator.mesh)
    const say = (line: string) => this.#steps.say(line)
    say(isChanged ? 'Deployed:' : 'Nothing was changed: all of it was there already, and answers.')
    for (const { service, url } of reached) {
      const { host, path } = shownParts(url)
      const header = host === null ? '' : `-H 'Host: ${host}' `
      say(`  ${service}: curl ${header}${operator.proxyUrl}${path}`)
    }
    say(
      `  proxy ${operator.proxyUrl} | Admin API ${operator.kong.adminUrl} | Consul ${operator.consul.url}/ui/` +
        `${leader === null ? '' : ` | operator and dashboard ${addr}`}`,
    )
    if (leader === null)
      say(
        '  No operator runs: Kong has what is so now. kongsul operator keeps it equal to Consul from here on.',
      )
    say(
      `  To take it back: kongsul destroy ${this.#path}${this.#options.target === 'compose' ? ' --target compose' : ''}`,
    )
  }
}

function shownParts(url: string): { readonly host: string | null; readonly path: string } {
  if (url.startsWith('/')) return { host: null, path: url }
  const [, host = '', path = '/'] = /^http:\/\/([^/]+)(\/.*)$/.exec(url) ?? []
  return { host, path }
}
