import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { test } from 'node:test'
import { decode } from '@msgpack/msgpack'
import { silentLogger } from '../../../operator/telemetry/logger.ts'
import { describePlugin, type PluginModule } from '../../../plugins/server/form/plugin-module.ts'
import { InstanceTable } from '../../../plugins/server/rpc/instance-table.ts'
import { PluginHost } from '../../../plugins/server/rpc/plugin-host.ts'
import { connectTo } from '../../support/plugin-host.ts'
import { waitFor } from '../../support/wait-for.ts'

const FIXTURES = join(import.meta.dirname, '..', '..', 'fixtures', 'plugin-rpc')
const module = createRequire(import.meta.url)(join(FIXTURES, 'toy-a.cjs')) as PluginModule

interface Line {
  readonly conn?: number
  readonly dir?: 'kong->js' | 'js->kong'
  readonly ev?: string
  readonly hex?: string
}

/** What was said on the wire while one plugin server ran. */
interface Session {
  readonly lines: readonly Required<Pick<Line, 'conn' | 'dir' | 'hex'>>[]
}

function sessionsOf(file: string): Session[] {
  const sessions: { lines: Session['lines'][number][] }[] = [{ lines: [] }]
  for (const text of readFileSync(join(FIXTURES, file), 'utf8').trim().split('\n')) {
    const { conn, dir, hex, mark } = JSON.parse(text) as Line & { mark?: string }
    if (mark?.startsWith('plugin server restarted')) sessions.push({ lines: [] })
    if (conn !== undefined && dir !== undefined && hex !== undefined)
      sessions.at(-1)!.lines.push({ conn, dir, hex })
  }
  return sessions
}

/** The message id, the same in request and answer. */
const idOf = (hex: string) => (decode(Buffer.from(hex, 'hex')) as unknown[])[1]

/** Facts that a recording has from its own machine: the clock, the process, when the file was loaded. */
function circumstancesOf({ lines }: Session) {
  const startTimes = new Map<string, number>()
  let pid = 0
  let loadedAt = 0
  let modifiedAt = 0
  for (const { conn, dir, hex } of lines) {
    if (dir !== 'js->kong') continue
    const result = (decode(Buffer.from(hex, 'hex')) as unknown[])[3] as {
      StartTime?: number
      Pid?: number
      Plugins?: Record<string, { LoadTime: number; Modtime: number }>
      Data?: { Args?: string[] }
    } | null
    if (result?.StartTime) startTimes.set(`${conn}/${idOf(hex)}`, result.StartTime)
    if (result?.Pid) pid = result.Pid
    const toy = result?.Plugins?.['toy-a']
    if (toy) [loadedAt, modifiedAt] = [toy.LoadTime, toy.Modtime]
    const seen = result?.Data?.Args?.[1]?.match?.(/pid=(\d+)/)
    if (seen) pid = Number(seen[1])
  }
  return { startTimes, pid, loadedAt, modifiedAt }
}

/**
 * What differs although both are right: how many requests the recorded plugin had counted by then, and two
 * readings of the clock where one is taken.
 */
function comparable(hex: string): string {
  const bytes = Buffer.from(hex, 'hex')
  const text = bytes
    .toString('latin1')
    .replace(/x-toy-a[^ ]+ (\S+) n=\d+ pid/, 'x-toy-a $1 n=# pid')
    .replace(/x-toy-resp.a\d+/, 'x-toy-resp a#')
  const at = text.indexOf('LastStartInstance')
  return at < 0 ? text : `${text.slice(0, at + 18)}${text.slice(at + 26)}`
}

async function replay(session: Session): Promise<{ compared: number }> {
  const { startTimes, pid, loadedAt, modifiedAt } = circumstancesOf(session)
  const plugin = describePlugin(module, { fallbackName: 'toy-a', loadedAt, modifiedAt })
  const plugins = new Map([[plugin.name, plugin]])
  let seconds = 0
  process.env['TOY_PID'] = String(pid)
  const host = new PluginHost({
    plugins,
    instances: new InstanceTable(plugins, { firstId: 0 }),
    log: silentLogger,
    now: () => performance.now(),
    seconds: () => seconds,
    handlerLimitMs: 10_000,
    pid,
  })
  const connections = new Map<number, ReturnType<typeof connectTo>>()
  const answers = new Map<string, string>()
  const collect = () => {
    for (const [conn, { socket }] of connections) {
      for (const bytes of socket.written.splice(0))
        answers.set(`${conn}/${idOf(bytes.toString('hex'))}`, bytes.toString('hex'))
    }
  }
  let compared = 0
  for (const { conn, dir, hex } of session.lines) {
    const key = `${conn}/${idOf(hex)}`
    if (dir === 'kong->js') {
      if (!connections.has(conn)) connections.set(conn, connectTo(host, 'toy-a'))
      seconds = startTimes.get(key) ?? seconds
      connections.get(conn)!.socket.receive(Buffer.from(hex, 'hex'))
      continue
    }
    const answer = await waitFor(
      () => {
        collect()
        return answers.get(key)
      },
      { what: `the answer to message ${key}`, pollMs: 1 },
    )
    assert.equal(comparable(answer), comparable(hex))
    compared++
  }
  assert.equal(host.events.size, 0, 'every event has ended')
  return { compared }
}

for (const [file, answers] of [
  ['rpc-recorded.jsonl', 103],
  ['rpc-raw.jsonl', 59],
] as const) {
  test(`every answer of ${file} is the recorded one, byte for byte`, async () => {
    let compared = 0
    for (const session of sessionsOf(file)) compared += (await replay(session)).compared
    assert.equal(compared, answers)
  })
}
