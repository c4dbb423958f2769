import type { Command } from 'commander'
import type { ProcessConfig } from '../../config/load-config.ts'
import { type RowChange, restoreSteps } from '../../core/restore-plan.ts'
import type { KongAdmin } from '../../kong/kong-admin.ts'
import { type KongSnapshot, planOf, RowError, readSnapshot, restoreStep } from '../../kong/snapshot.ts'
import { readSnapshotFile, snapshotPath, writeSnapshot } from '../../kong/snapshot-file.ts'
import { CliError, explain } from '../cli-error.ts'
import { addConfigOptions, commandConfig } from '../config-options.ts'
import { counted } from '../counted.ts'
import type { Io } from '../io.ts'
import { addOutputOption, ioOf } from '../output-option.ts'
import { reachKong } from '../reach-kong.ts'
import { refuseWhileLed } from '../refuse-while-led.ts'
import { StatusLine } from '../status-line.ts'

interface Options {
  readonly yes?: boolean
  readonly output?: string
}

const SAVE_HELP = `
Everything that the Admin API lists is saved, also what others made: services, routes, upstreams, targets, plugins, consumers,
their keys, certificates with their private keys. The file is for its owner's eyes only. Basic-auth and OAuth2 credentials
are left out, since Kong keeps only hashes of them.

Exit codes:
  0  saved
  1  an error

Examples:
  kongsul snapshot save                       kong-2026-01-31T10-20-30Z.json in this folder
  kongsul snapshot save /backup/kong.json`

const RESTORE_HELP = `
Without --yes nothing is changed: it shows what would be. With --yes Kong holds again what the file says, and what came since is
removed, whoever made it. Stop the operators first: one that leads would write its own again, so it is refused. The operator saves
what Kong held before its own first write by itself, into kong.snapshotDir.

Exit codes:
  0  restored, or Kong holds all of it
  1  an error
  2  Kong holds something else, and --yes was not given

Examples:
  kongsul snapshot restore kong-2026-01-31T10-20-30Z.json          what would change
  kongsul snapshot restore kong-2026-01-31T10-20-30Z.json --yes    change it`

/** `kongsul snapshot save|restore`. */
export function defineSnapshot(command: Command): void {
  command.description('Saves all that Kong holds, and gives it back.')
  const save = command
    .command('save')
    .description('Saves all that Kong holds into a file.')
    .argument('[file]', 'where to; a name with the time in this folder when not given')
    .addHelpText('after', SAVE_HELP)
    .action(async (file: string | undefined, options: Options) => {
      const config = commandConfig({ ...options })
      await onKong(config, (kong) => saveInto(file, kong, ioOf(options)))
    })
  const restore = command
    .command('restore')
    .description('Makes Kong hold again what a file says.')
    .argument('<file>', 'what kongsul snapshot save, or the operator, has written')
    .option('--yes', 'do it; without it nothing is changed')
    .addHelpText('after', RESTORE_HELP)
    .action(async (file: string, { yes = false, ...options }: Options) => {
      const config = commandConfig({ ...options })
      const snapshot = await readGiven(file)
      if (yes) await refuseWhileLed(config, 'restoring Kong')
      await onKong(config, (kong) => restoreFrom(snapshot, kong, yes, ioOf(options)))
    })
  for (const each of [save, restore]) {
    addOutputOption(each)
    addConfigOptions(each, ['mesh', 'kong', 'consul'])
  }
}

interface Kong {
  readonly admins: readonly [KongAdmin, ...KongAdmin[]]
  readonly isDbless: boolean
}

async function onKong({ operator }: ProcessConfig, work: (kong: Kong) => Promise<void>): Promise<void> {
  const { admins, kind } = await reachKong(operator.kong)
  try {
    await work({ admins, isDbless: kind === 'dbless' })
  } finally {
    for (const admin of admins) admin.close()
  }
}

async function saveInto(given: string | undefined, { admins: [admin], isDbless }: Kong, io: Io) {
  const snapshot = await readSnapshot(admin, isDbless, new Date())
  const file = given ?? snapshotPath('.', snapshot)
  await writeSnapshot(file, snapshot).catch((error: unknown) => {
    throw new CliError((error as { code?: string }).code === 'EEXIST' ? 'FILE_EXISTS' : 'FILE_UNWRITABLE', {
      tried: `writing ${file}`,
      answer: explain(error),
      remedy: 'give another file',
    })
  })
  const rows = Object.values(snapshot.collections).flat().length
  const { leftOut } = snapshot
  if (io.format === 'json') io.json({ kong: admin.url, file, rows, leftOut })
  else
    io.print(
      `Saved what Kong at ${admin.url} holds (${isDbless ? 'its configuration' : counted(rows, 'row')}) to ${file}.`,
    )
  for (const name of leftOut) io.note(`warning: ${name} are left out: Kong keeps only hashes of them`)
}

async function readGiven(file: string): Promise<KongSnapshot> {
  return await readSnapshotFile(file).catch((error: unknown) => {
    throw new CliError('FILE_UNREADABLE', {
      tried: `reading ${file}`,
      answer: explain(error),
      remedy: 'give a file that kongsul snapshot save has written',
    })
  })
}

async function restoreFrom(snapshot: KongSnapshot, { admins, isDbless }: Kong, yes: boolean, io: Io) {
  if ((snapshot.config !== null) !== isDbless) {
    throw new CliError('BAD_ARGUMENT', {
      tried: `restoring the Kong at ${admins[0].url}`,
      answer: `it runs ${isDbless ? 'without' : 'with'} a database, and the file is of one ${isDbless ? 'with' : 'without'}`,
      remedy: 'give a file of the same kind of Kong',
    })
  }
  for (const admin of admins) {
    const changes = await planOf(admin, snapshot)
    if (yes && changes.length > 0) {
      if (snapshot.config === null) await write(admin, changes)
      else await admin.call('POST', ['config'], { config: snapshot.config })
    }
    told(admin, yes, changes.map(listed), io)
  }
  for (const name of snapshot.leftOut) {
    io.note(
      `warning: ${name} are not in this file, since Kong keeps only hashes of them: make what is missing anew`,
    )
  }
}

async function write(admin: KongAdmin, changes: readonly RowChange[]): Promise<void> {
  const line = new StatusLine(process.stderr)
  let done = 0
  try {
    for (const step of restoreSteps(changes)) {
      await restoreStep(admin, step, () => line.show(`restored ${++done}/${changes.length}`))
    }
  } catch (error) {
    if (!(error instanceof RowError)) throw error
    const { action, path, name } = listed(error.change)
    throw new CliError('RESTORE_STOPPED', {
      tried: `restoring Kong at ${admin.url}: ${action} ${path} ${name}`,
      answer: explain(error.cause),
      remedy: 'mend what Kong refuses and give the same command again: it goes on with what is missing',
      left: [`${done} of ${counted(changes.length, 'change')} were made`],
    })
  } finally {
    line.show('')
  }
}

const MARKS = { create: '+', update: '~', delete: '-' } as const

function told({ url }: KongAdmin, yes: boolean, changes: readonly ReturnType<typeof listed>[], io: Io): void {
  const isToDo = !yes && changes.length > 0
  if (isToDo) process.exitCode = 2
  if (io.format === 'json') {
    io.json({ kong: url, restored: yes, changes })
    return
  }
  if (isToDo) for (const { action, path, name } of changes) io.print(`${MARKS[action]} ${path} ${name}`)
  const what = counted(changes.length, 'change')
  if (isToDo) io.print(`Kong at ${url}: ${what}. Nothing was changed; --yes does it.`)
  else if (changes.length === 0) io.print(`Kong at ${url} holds all of it and nothing else.`)
  else io.print(`Restored Kong at ${url}: ${what}.`)
}

const listed = ({ action, path, row }: RowChange) => ({ action, path, name: nameOf(row), id: String(row.id) })

const nameOf = ({ name, username, target, id }: RowChange['row']): string =>
  String(name ?? username ?? target ?? id)
