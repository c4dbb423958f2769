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

/** Message ids of the three requests of an event. */
export const MESSAGE_IDS = [7, 8, 9] as const

/**
 * Plays `events` of the tracing exchange, HandleEvent, getHeaders, setHeaders, ret, on as many connections, one request
 * on each at a time as Kong has it. All but the event's id was encoded before, of answers only the first of each kind
 * is looked through, and sockets are direct: the load must cost less than what is measured.
 */
export async function playTracing(server: Loaded, events: number, connections: number): Promise<Cost> {
  const cpuBefore = cpuUs(server.pid)
  const loadBefore = process.cpuUsage()
  let left = events
  const mayBegin = () => left-- > 0
  const begin = performance.now()
  await Promise.all(Array.from({ length: connections }, () => playOn(server, mayBegin)))
  const load = process.cpuUsage(loadBefore)
  return {
    wallUs: ((performance.now() - begin) * 1_000) / events,
    cpuUs: (cpuUs(server.pid) - cpuBefore) / events,
    loadCpuUs: (load.user + load.system) / events,
  }
}

/** Plays events on one connection for as long as `mayBegin`. */
async function playOn({ path, instance }: Loaded, mayBegin: () => boolean): Promise<void> {
  const plain: Socket = connect(path)
  await new Promise((resolve, reject) => plain.once('connect', resolve).once('error', reject))
  const socket = directSocket(plain)
  const steps = stepsFor(instance)
  let at = 0
  await new Promise<void>((resolve, reject) => {
    const begin = () => (mayBegin() ? void socket.write(steps[0].message) : resolve())
    socket.on('error', reject).on('close', () => reject(new Error('the server closed a connection')))
    socket.on('data', (reply: Buffer) => {
      const step = steps[at]!
      if (!step.isAnswer(reply))
        reject(new Error(`not the answer to step ${at}: ${reply.toString('latin1')}`))
      at = (at + 1) % steps.length
      if (at === 0) begin()
      else socket.write(steps[at]!.messageFor(reply, step.idAt))
    })
    begin()
  })
  socket.destroy()
}

/** The three requests of an event. */
function stepsFor(instance: number): readonly [Step, Step, Step] {
  const [first, second, third] = MESSAGE_IDS
  return [
    new Step(
      [0, first, 'plugin.HandleEvent', [{ InstanceId: instance, EventName: 'access' }]],
      'get_headers',
    ),
    new Step([0, second, 'plugin.StepMultiMap', [{ Data: HEADERS, EventId: 0 }]], 'set_headers'),
    new Step([0, third, 'plugin.Step', [{ EventId: 0 }]], 'ret'),
  ]
}

const ID_NAME = 'EventId'
const MAX_ID_BYTES = 9
const NIL = 0xc0
/** Of `[1, id, error, result]`. */
const ERROR_AT = 3

/** One request of an event on one connection, and how it is answered. */
class Step {
  readonly message: Buffer
  readonly #expected: string
  /** The message with room for any id behind it. */
  readonly #bytes: Buffer
  #knownLength = 0
  /** Where in an answer the id of the event begins, which is its last part. */
  idAt = 0

  /** @param message an event's id in it is 0, and its last byte */
  constructor(message: unknown, expected: string) {
    this.message = encode(message)
    this.#expected = expected
    this.#bytes = Buffer.concat([this.message, Buffer.alloc(MAX_ID_BYTES)])
  }

  /** The message for the event that `reply` names. */
  messageFor(reply: Buffer, idAt: number): Buffer {
    const start = this.message.length - 1
    const end = start + reply.copy(this.#bytes, start, idAt)
    return this.#bytes.subarray(0, end)
  }

  /** Looks an answer through; later ones that are as long and tell of no error differ in their ids alone. */
  isAnswer(reply: Buffer): boolean {
    if (reply.length === this.#knownLength) return reply[ERROR_AT] === NIL
    this.#knownLength = reply.length
    this.idAt = reply.lastIndexOf(ID_NAME) + ID_NAME.length
    return reply[ERROR_AT] === NIL && reply.includes(this.#expected)
  }
}

/** Processor time of a process so far; the kernel counts in hundredths of a second. */
function cpuUs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(' ')
  return (Number(fields[13]) + Number(fields[14])) * 10_000
}
