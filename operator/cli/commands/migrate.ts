import { type Command, InvalidArgumentError } from 'commander'
import type { DeadLetters } from '../../legacy/dead-letters.ts'
import { MIGRATION_MODES } from '../../legacy/migration.ts'
import type { MigrationStatus } from '../../legacy/migration-status.ts'
import { type Asked, callOperator, operatorDown } from '../call-operator.ts'
import { ASKING, addConfigOptions, commandConfig } from '../config-options.ts'
import { counted } from '../counted.ts'
import { migrationLines } from '../migration-lines.ts'
import { addOutputOption, ioOf } from '../output-option.ts'

interface Options {
  readonly output?: string
}

interface SetOptions extends Options {
  readonly mode: string
  readonly service?: string
  readonly path?: string
  readonly timeout?: number
  readonly force?: boolean
}

interface Dead {
  readonly dead: readonly { readonly id: string; readonly data: unknown }[]
  readonly total: number
}

const HELP = `
Moves topics of the old Redis API into the mesh, one by one, while clients go on as they are. Modes:
  queue   as before: tasks wait in Redis for the old workers
  mirror  as before, and the service is called beside it; its answers are thrown away
  mesh    the service is called, its answers go to the results; old workers get nothing

Columns of status: LAG tasks that no old worker has taken, PENDING taken and not finished, CALLS accepted in mode mesh and
not answered, DEAD failed calls. "set" refuses mode mesh while old workers have not finished, or where the service does not
exist, unless --force is given. What "set" does not name stays as it is.

Exit codes:
  0  done
  1  refused, or an error

Examples:
  kongsul migrate status
  kongsul migrate set orders --mode mirror --service order-worker
  kongsul migrate set orders --mode mesh --timeout 60
  kongsul migrate dead list orders
  kongsul migrate dead replay orders                    all of them
  kongsul migrate dead replay orders 1700000000000-0    one`

/** `kongsul migrate status|set TOPIC`, `kongsul migrate dead list|replay TOPIC`. */
export function defineMigrate(command: Command): void {
  command.description('Moves topics of the old Redis API into the mesh.').addHelpText('after', HELP)
  const dead = command
    .command('dead')
    .description('Calls that failed in mode mesh: lists them, starts them again.')
    .helpOption('-h, --help', 'print help')
  const commands = [status(command), set(command), deadList(dead), deadReplay(dead)]
  for (const each of commands) {
    each.helpOption('-h, --help', 'print help')
    addOutputOption(each)
    addConfigOptions(each, ASKING)
  }
}

function status(parent: Command): Command {
  return parent
    .command('status')
    .description('Shows the mode of each topic, what waits and what failed.')
    .argument('[topic]', 'without one all')
    .action(async (topic: string | undefined, options: Options) => {
      const { config, io } = begin(options)
      const migrations =
        topic === undefined
          ? (await ask<{ migrations: MigrationStatus[] }>(config, 'GET', '/migrations')).migrations
          : [await ask<MigrationStatus>(config, 'GET', pathOf(topic))]
      if (io.format === 'json') io.json({ migrations, total: migrations.length })
      else for (const line of migrationLines(migrations, io)) io.print(line)
    })
}

function set(parent: Command): Command {
  return parent
    .command('set')
    .description('Sets the mode of a topic.')
    .argument('<topic>')
    .requiredOption('--mode <mode>', MIGRATION_MODES.join(', '))
    .option('--service <name>', 'Consul service that is called')
    .option('--path <path>', 'where it takes tasks (/process)')
    .option('--timeout <seconds>', 'how long one call may take, 1 to 300 (30)', seconds)
    .option('--force', 'also while old workers have not finished, or the service does not exist')
    .action(async (topic: string, { mode, service, path, timeout, force, ...options }: SetOptions) => {
      const { config, io } = begin(options)
      const body = { mode, service, path, timeout, force }
      const done = await ask<MigrationStatus>(config, 'PUT', pathOf(topic), body)
      if (io.format === 'json') io.json(done)
      else for (const line of migrationLines([done], io)) io.print(line)
    })
}

function deadList(parent: Command): Command {
  return parent
    .command('list')
    .description('Shows the newest failed calls, with task and reason.')
    .argument('<topic>')
    .option('--count <n>', 'how many, 1 to 100', '20')
    .action(async (topic: string, { count, ...options }: Options & { readonly count: string }) => {
      const { config, io } = begin(options)
      const query = `?count=${encodeURIComponent(count)}`
      const answer = await ask<Dead>(config, 'GET', `${pathOf(topic)}/dead${query}`)
      if (io.format === 'json') return io.json(answer)
      for (const { id, data } of answer.dead) io.print(`${id}  ${JSON.stringify(data)}`)
      io.print(`${answer.dead.length} of ${counted(answer.total, 'dead letter')}.`)
    })
}

function deadReplay(parent: Command): Command {
  return parent
    .command('replay')
    .description('Starts the tasks of failed calls again, in the mode the topic has now.')
    .argument('<topic>')
    .argument('[id...]', 'ids of dead letters; without one all')
    .action(async (topic: string, ids: readonly string[], options: Options) => {
      const { config, io } = begin(options)
      const body = ids.length === 0 ? {} : { ids }
      const done = await ask<DeadLetters>(config, 'POST', `${pathOf(topic)}/dead/replay`, body)
      if (io.format === 'json') return io.json(done)
      for (const { dead_id: deadId, id } of done.replayed) io.print(`${deadId} is started again as ${id}.`)
      for (const id of done.skipped) io.print(`${id} is left alone: it is gone, or holds no task.`)
      io.print(`${counted(done.replayed.length, 'task')} started again.`)
    })
}

const pathOf = (topic: string): string => `/migrations/${encodeURIComponent(topic)}`

async function ask<T>(
  config: Asked,
  method: 'GET' | 'PUT' | 'POST',
  path: string,
  body?: unknown,
): Promise<T> {
  const answer = await callOperator<T>(config, method, path, body)
  if (answer === null) throw operatorDown(config, `${method} ${path}`)
  return answer
}

function seconds(text: string): number {
  const value = Number(text)
  if (text.trim() !== '' && Number.isFinite(value)) return value
  throw new InvalidArgumentError('Give seconds, for example 60.')
}

function begin(options: Options) {
  return { config: commandConfig({ ...options }), io: ioOf(options) }
}
