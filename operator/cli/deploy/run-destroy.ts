import type { ProcessConfig } from '../../config/load-config.ts'
import { upstreamName } from '../../core/names.ts'
import type { PlannedChange } from '../../core/plan-report.ts'
import { targetOf } from '../../core/target-address.ts'
import { whoLeads } from '../../leader/who-leads.ts'
import { CliError, explain } from '../cli-error.ts'
import { counted } from '../counted.ts'
import type { Io } from '../io.ts'
import { waitUntil } from '../up/wait-until.ts'
import { asOperator } from './as-operator.ts'
import { begunLine, changeLine, doneLine, writesLine } from './change-lines.ts'
import { type Compose, openCompose } from './compose.ts'
import { concernedServices } from './concerned-services.ts'
import { isAgreed } from './confirm.ts'
import { type ConsulChange, destroyChanges, type InstanceChange } from './consul-changes.ts'
import { serviceNames } from './deploy-file.ts'
import { followKong } from './follow.ts'
import { MeshSide } from './mesh-side.ts'
import { readGivenFile } from './read-file.ts'
import type { DeployOptions } from './run-deploy.ts'
import { Steps } from './steps.ts'
import { noted, undoable } from './undoable.ts'

export interface DestroyOptions extends DeployOptions {
  /** With compose: remove its data as well. */
  readonly volumes: boolean
}

export interface Destroyed {
  /** false: it was not agreed to, and nothing was changed. */
  readonly destroyed: boolean
  readonly changes: readonly ConsulChange[]
  /** What stays, and why. */
  readonly kept: readonly string[]
}

/**
 * Takes back what `deploy` of this file did.
 * @throws CliError with what was done so far
 */
export async function runDestroy(
  path: string,
  given: ProcessConfig,
  options: DestroyOptions,
  io: Io,
): Promise<Destroyed> {
  if (options.volumes && options.target !== 'compose') {
    throw new CliError('BAD_OPTION', {
      tried: `taking back ${path} with --volumes`,
      answer: 'only --target compose has volumes',
      remedy: 'give --target compose, or leave --volumes out; nothing was changed',
    })
  }
  const file = await readGivenFile(path)
  const steps = new Steps(io)
  const left: string[] = []
  let side: MeshSide | null = null
  try {
    const compose = options.target === 'compose' ? await openCompose() : null
    const config = compose === null ? given : await publishedConfig(compose, given, io)
    const found = config === null ? null : await lookUp(config)
    const { changes, kept, writes } = found ?? NOTHING
    for (const each of kept) io.note(`warning: ${each}`)
    const isDown = compose === null || !(await compose.isUp())
    if (changes.length === 0 && isDown && !options.volumes) {
      steps.say(`Nothing to take back: nothing that ${path} deployed is there.`)
      return { destroyed: true, changes, kept }
    }
    for (const change of changes) steps.say(changeLine(change))
    if (changes.length > 0 && writes.length > 0) steps.say(writesLine(writes))
    if (!isDown) steps.say('- stop and remove the containers of docker-compose.yml')
    if (options.volumes) steps.say('- remove the volumes of docker-compose.yml, with all data')
    const what = `${counted(changes.length, 'change')} in Consul`
    if (!(await isAgreed({ yes: options.yes, what, question: 'Take this back?' }, io)))
      return { destroyed: false, changes, kept }
    const inUse = found !== null && changes.length > 0 ? await takeBack(found) : []
    if (compose !== null) {
      await steps.run('docker compose down', async () => {
        const containers = {
          begun: 'containers of docker-compose.yml may be removed',
          done: 'containers of docker-compose.yml removed',
        }
        await noted(left, containers, () => compose.down(options.volumes))
        return options.volumes ? 'containers and volumes removed' : 'containers removed, volumes stay'
      })
    }
    for (const each of inUse) io.note(`warning: ${each}`)
    steps.say(inUse.length > 0 ? 'Taken back, but for what others use in Kong.' : 'Taken back.')
    return { destroyed: true, changes, kept: [...kept, ...inUse] }
  } catch (error) {
    const what = `taking back ${path}`
    const target = options.target === 'compose' ? ' --target compose' : ''
    throw undoable(error, { what, left, undo: `kongsul deploy ${path}${target}` })
  } finally {
    ;(side as MeshSide | null)?.close()
  }

  /** null with compose: its Consul or Kong does not answer, which is when it has to be taken down all the same. */
  async function lookUp(started: ProcessConfig): Promise<Found | null> {
    try {
      const config = await asOperator(started, (line) => {
        if (options.target !== 'compose') io.note(line)
      })
      side = await MeshSide.open(config)
      const consul = await side.readConsul()
      const { mesh } = config.operator
      const isLed = (await whoLeads(config.operator.consul, mesh)) !== null
      const own = serviceNames(file)
      const found = destroyChanges(file, consul)
      if (isLed) return { config, isLed, concerned: new Set(own), writes: [], ...found }
      const now = await side.readMesh([], consul)
      const then = await side.readMesh(found.changes, consul)
      const { changes: after } = then.plan
      const { state: wanted } = then.desired
      const concerned = concernedServices(own, { before: now.plan.changes, after, wanted })
      const writes = after.filter(({ service }) => concerned.has(service) && !own.includes(service))
      return { config, isLed, concerned, writes, ...found }
    } catch (error) {
      if (options.target !== 'compose') throw error
      io.note(`warning: what is registered stays in the volume of Consul: ${explain(error)}`)
      return null
    }
  }

  /** @returns what of it stays in Kong, since entities of others hang on it, in words */
  async function takeBack({ config, changes, isLed, concerned }: Found): Promise<readonly string[]> {
    const { timeoutMs } = options
    const mesh = side!
    await steps.run('deregister', async (waiting) => {
      for (const change of changes) {
        waiting(change.what === 'instance' ? change.id : change.key)
        const lines = { begun: begunLine(change), done: doneLine(change) }
        await noted(left, lines, () => mesh.write(change))
        // One by one: many that vanish at once are held.
        if (isLed && change.what === 'instance') await whenGone(mesh, change, timeoutMs)
      }
      return changes.map(doneLine).join(', ')
    })
    const services = new Set(serviceNames(file))
    await steps.run('configure Kong', async (waiting) => {
      return await followKong(config, mesh, { services, concerned, timeoutMs, isRemoval: true, waiting })
    })
    const { plan } = await mesh.readMesh()
    return plan.problems
      .filter(({ code, service }) => code === 'ENTITY_IN_USE' && services.has(service))
      .map(({ message }) => message)
  }
}

type Found = ReturnType<typeof destroyChanges> & {
  readonly config: ProcessConfig
  readonly isLed: boolean
  /** What is written where nobody leads: services of the file, and others that taking it back concerns. */
  readonly concerned: ReadonlySet<string>
  /** Of those others: what this process would write to Kong. */
  readonly writes: readonly PlannedChange[]
}

const NOTHING = { changes: [], kept: [], writes: [] }

/** null: its Consul or Kong does not run, and what they keep is in volumes. */
async function publishedConfig(
  compose: Compose,
  given: ProcessConfig,
  io: Io,
): Promise<ProcessConfig | null> {
  if (!(await compose.isUp())) return null
  return await compose.configured(given).catch((error: unknown) => {
    io.note(`warning: what is registered stays in the volume of Consul: ${explain(error)}`)
    return null
  })
}

async function whenGone(
  mesh: MeshSide,
  { service, id, registration }: InstanceChange,
  timeoutMs: number,
): Promise<void> {
  const address = targetOf(registration.Address, registration.Port)
  if (!address.ok) return
  const { target } = address
  const isGone = async () => !(await mesh.hasTarget(upstreamName(service), target))
  await waitUntil(isGone, { deadlineMs: timeoutMs, what: `${target} leaving Kong` }).catch(
    (error: unknown) => {
      throw new CliError('KONG_DID_NOT_FOLLOW', {
        tried: `waiting for Kong after deregistering ${id}`,
        answer: (error as Error).message,
        remedy: 'kongsul status says whether it is paused or held',
      })
    },
  )
}
