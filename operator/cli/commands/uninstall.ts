import type { Command } from 'commander'
import type { ProcessConfig } from '../../config/load-config.ts'
import type { Entity } from '../../core/entity.ts'
import { ConfigWriter } from '../../kong/config-writer.ts'
import type { KongAdmin } from '../../kong/kong-admin.ts'
import { entityWriter, type KongWriter } from '../../kong/kong-writer.ts'
import { createMetrics } from '../../telemetry/metrics.ts'
import { addConfigOptions, commandConfig } from '../config-options.ts'
import { counted } from '../counted.ts'
import type { Io } from '../io.ts'
import { addOutputOption, ioOf } from '../output-option.ts'
import { reachKong } from '../reach-kong.ts'
import { refuseWhileLed } from '../refuse-while-led.ts'
import { StatusLine } from '../status-line.ts'
import { type Leaving, leaveKong, planLeaving } from '../uninstall.ts'

interface Options {
  readonly yes?: boolean
  readonly output?: string
}

const HELP = `
Without --yes nothing is changed: it shows what would go, and Kong goes on serving. With --yes every entity of this mesh
is removed from Kong, routes first, and its services are not reached through Kong any more. Entities without kongsul's tags
stay, and so does what they hang on. Stop the operators first: one that runs would write everything again, so it is
refused while one leads. To go on without kongsul but with what is in Kong, just stop the operators.

Consul's KV keeps the settings; to remove those as well: consul kv delete -recurse mesh/

Exit codes:
  0  removed, or nothing of ours was there
  1  an error
  2  there is something to remove, and --yes was not given

Examples:
  kongsul uninstall            what would go
  kongsul uninstall --yes      remove it`

/** `kongsul uninstall [--yes]`. */
export function defineUninstall(command: Command): void {
  command
    .description('Removes from Kong what kongsul wrote, and nothing else.')
    .option('--yes', 'remove it; without it nothing is changed')
    .addHelpText('after', HELP)
    .action(async ({ yes = false, ...options }: Options) => {
      const io = ioOf(options)
      const config = commandConfig({ ...options })
      if (yes) await refuseWhileLed(config, 'uninstalling')
      await onEachKong(config, (admin, writer) => uninstall({ admin, writer, io, yes, config }))
    })
  addOutputOption(command)
  addConfigOptions(command, ['mesh', 'kong', 'consul'])
}

interface One {
  readonly admin: KongAdmin
  readonly writer: KongWriter
  readonly io: Io
  readonly yes: boolean
  readonly config: ProcessConfig
}

async function uninstall({ admin, writer, io, yes, config }: One): Promise<void> {
  const { mesh } = config.operator
  const leaving = yes ? await remove(writer, mesh) : await planLeaving(writer, mesh)
  const isToDo = !yes && leaving.entities.length > 0
  if (isToDo) process.exitCode = 2
  if (io.format === 'json') {
    const { kept } = leaving
    io.json({ kong: admin.url, mesh, removed: yes, entities: leaving.entities.map(listed), kept })
    return
  }
  const what = countsOf(leaving)
  if (isToDo) {
    for (const { kind, name, service } of leaving.entities.map(listed))
      io.print(`- ${kind} ${name} (${service})`)
    io.print(`Kong at ${admin.url}: ${what} would be removed. Nothing was changed; --yes removes them.`)
  } else if (leaving.entities.length > 0) io.print(`Removed from Kong at ${admin.url}: ${what}.`)
  else if (leaving.kept.length > 0) io.print(`Nothing of mesh ${mesh} was removed from Kong at ${admin.url}.`)
  else io.print(`Kong at ${admin.url} has nothing of mesh ${mesh}.`)
  for (const message of leaving.kept) io.note(`warning: ${message}`)
}

async function remove(writer: KongWriter, mesh: string): Promise<Leaving> {
  const line = new StatusLine(process.stderr)
  const count = (number: number) => number.toLocaleString('en')
  const show = (done: number, total: number) => line.show(`removed ${count(done)}/${count(total)}`)
  return await leaveKong(writer, mesh, show).finally(() => line.show(''))
}

async function onEachKong(
  { operator }: ProcessConfig,
  work: (admin: KongAdmin, writer: KongWriter) => Promise<void>,
): Promise<void> {
  const { admins, kind } = await reachKong(operator.kong)
  const ending = new AbortController()
  const metrics = createMetrics('')
  const hooks = { metrics, signal: ending.signal, onForeign: () => {}, onFailure: () => {} }
  try {
    for (const admin of admins) {
      const writer =
        kind === 'dbless' ? new ConfigWriter({ ...hooks, admin }) : entityWriter(admin, operator.mesh)
      await work(admin, writer)
    }
  } finally {
    ending.abort()
    for (const admin of admins) admin.close()
  }
}

const listed = ({ kind, name, id, owner }: Entity) => ({ kind, name: name || id, service: owner })

/** `3 routes, 2 services` */
function countsOf({ entities }: Leaving): string {
  const counts = new Map<string, number>()
  for (const { kind } of entities) counts.set(kind, (counts.get(kind) ?? 0) + 1)
  return [...counts].map(([kind, count]) => counted(count, kind)).join(', ')
}
