import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { encode } from '../../plugins/server/msgpack/encode.ts'
import { directSocket } from '../../plugins/server/process/direct-socket.ts'

/** Whom to load: where it listens, the process that answers, and its instance of mesh-tracing. */
export interface Loaded {
  readonly path: string
  readonly pid: number
  readonly instance: number
}

/** Microseconds per event. */
export interface Cost {
  readonly wallUs: number
  /** Processor time of the server. */
  readonly cpuUs: number
  /** The same of the load itself: where it comes near `wallUs`, the load is what is measured. */
  readonly loadCpuUs: number
}

const HEADERS = {
  host: ['web.mesh'],
  'user-agent': ['curl/8.5.0'],
  accept: ['*/*'],
  traceparent: ['00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'],
  connection: ['keep-alive'],
}

/** Message ids of the three requests of an event, and what the answer to each holds. */
export const MESSAGE_IDS = [7, 8, 9] as const
const EXPECTED = ['get_headers', 'set_headers', 'ret'] as const

/**
 * Plays `events` of the tracing exchange, HandleEvent, getHeaders, setHeaders, ret, on as many connections, one request
 * on each at a time as Kong has it. All but the event's id was encoded before, and sockets are direct: the load must
 * cost less than what is measured.
 */
export async function playTracing(server: Loaded, events: number, connections: number): Promise<Cost> {
  const messages = messagesFor(server.instance)
  const cpuBefore = cpuUs(server.pid)
  const loadBefore = process.cpuUsage()
  let left = events
  const mayBegin = () => left-- > 0
  const begin = performance.now()
  await Promise.all(Array.from({ length: connections }, () => playOn(server.path, messages, mayBegin)))
  const load = process.cpuUsage(loadBefore)
  return {
    wallUs: ((performance.now() - begin) * 1_000) / events,
    cpuUs: (cpuUs(server.pid) - cpuBefore) / events,
    loadCpuUs: (load.user + load.system) / events,
  }
}

/** Plays events on one connection for as long as `mayBegin`. */
async function playOn(path: string, messages: readonly Message[], mayBegin: () => boolean): Promise<void> {
  const plain: Socket = connect(path)
  await new Promise((resolve, reject) => plain.once('connect', resolve).once('error', reject))
  const socket = directSocket(plain)
  let step = 0
  await new Promise<void>((resolve, reject) => {
    const send = (reply: Buffer | null) => {
      if (step === 0 && !mayBegin()) resolve()
      else socket.write(messages[step]!(reply))
    }
    socket.on('error', reject).on('close', () => reject(new Error('the server closed a connection')))
    socket.on('data', (reply: Buffer) => {
      if (!reply.includes(EXPECTED[step]!))
        reject(new Error(`no ${EXPECTED[step]} in the answer: ${reply.toString('latin1')}`))
      step = (step + 1) % 3
      send(reply)
    })
    send(null)
  })
  socket.destroy()
}

/** The next message, made for the event that the reply names. */
type Message = (reply: Buffer | null) => Buffer

function messagesFor(instance: number): readonly Message[] {
  const [first, second, third] = MESSAGE_IDS
  const handle = encode([0, first, 'plugin.HandleEvent', [{ InstanceId: instance, EventName: 'access' }]])
  return [
    () => handle,
    stepMessage(encode([0, second, 'plugin.StepMultiMap', [{ Data: HEADERS, EventId: 0 }]])),
    stepMessage(encode([0, third, 'plugin.Step', [{ EventId: 0 }]])),
  ]
}

const ID_NAME = 'EventId'

/** The id is the last thing in step and reply. */
function stepMessage(step: Buffer): Message {
  const head = step.subarray(0, -1)
  return (reply) => Buffer.concat([head, reply!.subarray(reply!.lastIndexOf(ID_NAME) + ID_NAME.length)])
}

/** Processor time of a process so far; the kernel counts in hundredths of a second. */
function cpuUs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(' ')
  return (Number(fields[13]) + Number(fields[14])) * 10_000
}
