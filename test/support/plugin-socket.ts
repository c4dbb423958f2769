import { connect, type Socket } from 'node:net'
import { encode } from '../../plugins/server/msgpack/encode.ts'
import { type Answer, decodeAll } from './plugin-host.ts'

/** What Kong makes of one request to a plugin. */
export interface Outcome {
  /** `passed`: the plugin answered; `open`: no answer, the request goes on; `failed`: Kong answers 500. */
  readonly kind: 'passed' | 'open' | 'failed'
  readonly ms: number
  readonly why?: string
}

/** A worker of Kong with one plugin entity: a pool of connections, one request on each at a time, as mp_rpc.lua has it. */
export class PluginPeer {
  readonly #path: string
  readonly #plugin: string
  readonly #readTimeoutMs: number
  readonly #idle: Socket[] = []
  readonly #sockets = new Set<Socket>()
  #messageId = 0
  #instance: Promise<number> | null = null
  started = 0

  constructor(path: string, plugin: string, readTimeoutMs = 500) {
    this.#path = path
    this.#plugin = plugin
    this.#readTimeoutMs = readTimeoutMs
  }

  /** One request in the access phase; every PDK call answers nothing. */
  async access(): Promise<Outcome> {
    const begin = performance.now()
    const done = (kind: Outcome['kind'], why?: string): Outcome => ({
      kind,
      ms: performance.now() - begin,
      ...(why === undefined ? {} : { why }),
    })
    let id: number
    try {
      this.#instance ??= this.#start()
      id = await this.#instance
    } catch (error) {
      this.#instance = null
      return done('failed', (error as Error).message)
    }
    try {
      let { error, result } = await this.call('HandleEvent', { InstanceId: id, EventName: 'access' })
      if (error?.includes('no plugin instance')) {
        this.#instance = null
        return { ...(await this.access()), ms: performance.now() - begin }
      }
      while (error === null && result.Data !== 'ret') {
        ;({ error, result } = await this.call('Step', { EventId: result.EventId, Data: {} }))
      }
      return error === null ? done('passed') : done('open', error)
    } catch (error) {
      return done('open', (error as Error).message)
    }
  }

  async call(method: string, argument: unknown): Promise<Answer> {
    const socket = this.#idle.pop() ?? (await this.#connect())
    const id = ++this.#messageId
    const answer = await new Promise<Answer>((resolve, reject) => {
      const timer = setTimeout(() => end(() => reject(new Error('timeout'))), this.#readTimeoutMs)
      const onData = (bytes: Buffer) => end(() => resolve(decodeAll(bytes)[0]!))
      const onClose = () => end(() => reject(new Error('closed')))
      const end = (then: () => void) => {
        clearTimeout(timer)
        socket.off('data', onData).off('close', onClose)
        then()
      }
      socket.on('data', onData).on('close', onClose)
      socket.write(encode([0, id, `plugin.${method}`, [argument]]))
    }).catch((error: Error) => {
      socket.destroy()
      throw error
    })
    this.#idle.push(socket)
    return answer
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  async #start(): Promise<number> {
    this.started++
    const Config = JSON.stringify({ __plugin_id: 'p', __seq__: 1 })
    const { error, result } = await this.call('StartInstance', { Name: this.#plugin, Config })
    if (error !== null) throw new Error(error)
    return result.Id
  }

  async #connect(): Promise<Socket> {
    const socket = connect(this.#path)
    this.#sockets.add(socket)
    socket.on('close', () => {
      this.#sockets.delete(socket)
      const at = this.#idle.indexOf(socket)
      if (at >= 0) this.#idle.splice(at, 1)
    })
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve).once('error', reject)
    })
    socket.on('error', () => {})
    return socket
  }
}
