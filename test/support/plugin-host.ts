import { decode } from '@msgpack/msgpack'
import { silentLogger } from '../../operator/telemetry/logger.ts'
import { describePlugin, type PluginModule } from '../../plugins/server/form/plugin-module.ts'
import { BoundaryScanner } from '../../plugins/server/msgpack/boundary-scanner.ts'
import { encode } from '../../plugins/server/msgpack/encode.ts'
import { Connection, type ConnectionOptions } from '../../plugins/server/rpc/connection.ts'
import { InstanceTable } from '../../plugins/server/rpc/instance-table.ts'
import { type HostOptions, PluginHost } from '../../plugins/server/rpc/plugin-host.ts'
import { FakeSocket } from './fake-socket.ts'

/** A plugin host in this process, with the clock in hand. */
export function hostOf(module: PluginModule, options: Partial<HostOptions> = {}) {
  const plugin = describePlugin(module, { fallbackName: 'toy', loadedAt: 1, modifiedAt: 1 })
  const plugins = new Map([[plugin.name, plugin]])
  const instances = options.instances ?? new InstanceTable(plugins, { firstId: 0 })
  const clock = { now: 0 }
  const host = new PluginHost({
    plugins,
    instances,
    log: silentLogger,
    now: () => clock.now,
    seconds: () => 1,
    ...options,
  })
  return {
    host,
    clock,
    plugin,
    connect: (more: Partial<ConnectionOptions> = {}) => connectTo(host, plugin.name, more),
  }
}

/** Answer of a plugin server: error or result. */
export interface Answer {
  readonly id: number
  readonly error: string | null
  // biome-ignore lint/suspicious/noExplicitAny: tests look into whatever came.
  readonly result: any
}

/** A connection to `host` that speaks as Kong does. */
export function connectTo(host: PluginHost, plugin: string, more: Partial<ConnectionOptions> = {}) {
  const socket = new FakeSocket()
  const connection = new Connection(socket.asSocket, host, { plugin, ...more })
  let messageId = 0
  const answers = (): Answer[] => decodeAll(socket.take())
  return {
    socket,
    connection,
    answers,
    send(method: string, ...args: readonly unknown[]): number {
      messageId++
      socket.receive(encode([0, messageId, `plugin.${method}`, args]))
      return messageId
    },
    /** Sends and gives promises their turn. */
    async ask(method: string, ...args: readonly unknown[]): Promise<Answer> {
      this.send(method, ...args)
      await turn()
      const [answer, ...others] = answers()
      if (!answer || others.length > 0)
        throw new Error(`${method} had ${answer ? 'several answers' : 'no answer'}`)
      return answer
    },
  }
}

/** Lets every promise that can go on do so. */
export async function turn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve))
}

/** The messages in `bytes`. */
export function decodeAll(bytes: Buffer): Answer[] {
  const answers: Answer[] = []
  for (let rest = bytes; rest.length > 0; ) {
    const size = sizeOfFirst(rest)
    const [, id, error, result] = decode(rest.subarray(0, size)) as [number, number, string | null, unknown]
    answers.push({ id, error, result })
    rest = rest.subarray(size)
  }
  return answers
}

function sizeOfFirst(bytes: Buffer): number {
  const scanner = new BoundaryScanner(1e9)
  const end = scanner.scan(bytes)
  return end < 0 ? bytes.length : end
}
