// Kong's side of the protocol, for a process that warms up.
import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { encode } from '../msgpack/encode.ts'
import { FrameReader } from '../rpc/frame-reader.ts'
import { SAMPLE_CONFIG, SAMPLE_HEADERS } from './sample.ts'

export interface Play {
  readonly path: string
  readonly plugin: string
  /** How many in all, and on how many connections at a time. */
  readonly requests: number
  readonly connections: number
  /** Between two requests of a connection: others need the processor more. */
  readonly pauseMs: number
}

interface Result {
  readonly Id?: number
  readonly EventId?: number
  readonly Data?: 'ret' | { readonly Method: string }
}

const MAX_BYTES = 1_048_576

/** @throws Error when an answer is none, or the server ends a connection. */
export async function playRequests({ path, plugin, requests, connections, pauseMs }: Play): Promise<void> {
  const first = await openCaller(path)
  const { Id: instance } = await first.call('StartInstance', {
    Name: plugin,
    Config: JSON.stringify(SAMPLE_CONFIG),
  })
  let left = requests
  const run = async (caller: Caller) => {
    while (left-- > 0) {
      let { Data, EventId } = await caller.call('HandleEvent', { InstanceId: instance, EventName: 'access' })
      while (typeof Data === 'object') {
        const isRead = Data.Method === 'kong.request.get_headers'
        const step = isRead ? { Data: SAMPLE_HEADERS, EventId } : { EventId }
        ;({ Data, EventId } = await caller.call(isRead ? 'StepMultiMap' : 'Step', step))
      }
      await delay(pauseMs)
    }
    caller.close()
  }
  const others = await Promise.all(Array.from({ length: connections - 1 }, () => openCaller(path)))
  await Promise.all([first, ...others].map(run))
}

interface Caller {
  call(method: string, argument: object): Promise<Result>
  close(): void
}

async function openCaller(path: string): Promise<Caller> {
  const socket = connect(path)
  await once(socket, 'connect')
  const reader = new FrameReader(MAX_BYTES)
  let settle: { resolve(result: Result): void; reject(error: Error): void } | null = null
  let messageId = 0
  const fail = (error: Error) => settle?.reject(error)
  socket.on('error', fail).on('close', () => fail(new Error('the connection was closed')))
  socket.on('data', (chunk: Buffer) => {
    reader.read(chunk, (message) => {
      const [, , error, result] = message as [number, number, string | null, Result]
      if (error === null) settle?.resolve(result)
      else fail(new Error(error))
      return true
    })
  })
  return {
    call(method, argument) {
      return new Promise((resolve, reject) => {
        settle = { resolve, reject }
        socket.write(encode([0, ++messageId, `plugin.${method}`, [argument]]))
      })
    },
    close: () => socket.destroy(),
  }
}
