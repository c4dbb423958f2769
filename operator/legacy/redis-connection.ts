import { backoffMs } from '../consul/backoff.ts'
import { explainTls } from '../secrets/tls-agent.ts'
import { isSameTls, type TlsOptions, tlsOptions } from '../secrets/tls-options.ts'
import type { RedisConfig } from '../sync/operator-config.ts'
import { redisAddress } from '../sync/redis-address.ts'
import type { Logger } from '../telemetry/logger.ts'
import { RedisError } from './redis-error.ts'

/** One command, as words; the answer as Redis 5 to 7 give it in RESP2. @throws RedisError */
export type RedisCommand = (...words: readonly string[]) => Promise<unknown>

export interface RedisConnectionOptions {
  readonly redis: RedisConfig
  readonly log: Logger
  /** A server that has not answered a command for so long hangs, in ms. Default 2000. */
  readonly answerLimitMs?: number
}

const CONNECT_TIMEOUT_MS = 2000
const ANSWER_LIMIT_MS = 2000
/** More commands than this in flight are refused at once. */
const MOST_COMMANDS = 5000
const RECONNECT = { firstMs: 100, maxMs: 3000 }

/** Takes 18 MB, which a mesh without Redis need not have: loaded with the first command. */
const library = () => import('@redis/client')
type Library = Awaited<ReturnType<typeof library>>

type Client = ReturnType<typeof newClient>

/**
 * The connection to Redis, made when it is first needed and again whenever it breaks, or when an answer takes too long.
 * While it is down commands fail at once: nothing waits for it to come back, and nothing is sent later.
 */
export class RedisConnection {
  readonly #options: RedisConnectionOptions
  #client: Client | null = null
  /** What it was made with. */
  #access: Access | null = null
  /** Ends with the first success or failure of the client. */
  #settled: Promise<void> = Promise.resolve()
  #isStopped = false
  /** Why it is down; null while it is up. Said once in the log. */
  #failure: string | null = null

  constructor(options: RedisConnectionOptions) {
    this.#options = options
  }

  /** @throws RedisError REDIS_DOWN at once while it is down, or when it takes over 2 s */
  readonly run: RedisCommand = async (...words) => {
    const redis = await library()
    const client = await this.#connected(redis)
    const [what = ''] = words
    try {
      return await within(
        this.#options.answerLimitMs ?? ANSWER_LIMIT_MS,
        client.sendCommand(words),
        `Redis did not answer ${what}`,
      )
    } catch (error) {
      if (error instanceof redis.ErrorReply) {
        const message = `Redis refused ${what}: ${error.message}`
        throw new RedisError('REDIS_REFUSED', message, { cause: error })
      }
      if (error instanceof RedisError) {
        // Whatever else was sent there would wait as long: a server that hangs keeps its connections.
        this.#renew(redis, client, error)
        throw error
      }
      throw new RedisError('REDIS_DOWN', `Redis is down: ${reasonOf(error)}`, { cause: error })
    }
  }

  stop(): void {
    this.#isStopped = true
    this.#client?.destroy()
  }

  async #connected(redis: Library): Promise<Client> {
    if (this.#isStopped) throw new RedisError('REDIS_DOWN', 'the operator is stopping')
    const client = this.#current(redis)
    if (client.isReady) return client
    if (this.#failure === null) await this.#settled
    if (client.isReady) return client
    throw new RedisError('REDIS_DOWN', `Redis is down: ${this.#failure ?? 'no answer'}`)
  }

  /** A new client in place of one that was made with another password or certificate; its commands come to their end. */
  #current(redis: Library): Client {
    const before = this.#client
    if (before === null) return this.#open(redis)
    if (isSameAccess(accessOf(this.#options.redis), this.#access)) return before
    this.#failure = null
    const client = this.#open(redis)
    if (before.isReady) before.close().catch(() => before.destroy())
    else before.destroy()
    return client
  }

  #open(redis: Library): Client {
    const access = accessOf(this.#options.redis)
    const client = newClient(redis, access)
    this.#access = access
    this.#client = client
    const settled = new Promise<void>((done) => {
      client.once('ready', done)
      client.once('error', () => done())
    })
    this.#settled = within(CONNECT_TIMEOUT_MS, settled, 'Redis did not answer').catch((error: unknown) =>
      this.#failed(client, error),
    )
    client.on('error', (error: unknown) => this.#failed(client, error))
    client.on('ready', () => this.#isUp(client))
    client.connect().catch((error: unknown) => this.#failed(client, error))
    return client
  }

  /** A new client in place of one whose server hangs. */
  #renew(redis: Library, client: Client, why: RedisError): void {
    if (client !== this.#client || this.#isStopped) return
    this.#failed(client, why)
    client.destroy()
    this.#open(redis)
  }

  #isUp(client: Client): void {
    if (client !== this.#client) return
    if (this.#failure !== null) this.#options.log.info('Redis answers again')
    this.#failure = null
  }

  #failed(client: Client, error: unknown): void {
    if (this.#isStopped || client !== this.#client) return
    const before = this.#failure
    if (error instanceof Error) explainTls(error, 'redis')
    this.#failure = reasonOf(error)
    if (before !== null) return
    this.#options.log.warn('Redis is down: the old API answers 503', { reason: this.#failure })
  }
}

/** With what a client gets in. */
interface Access {
  readonly url: string
  readonly tls: TlsOptions
}

const accessOf = (redis: RedisConfig): Access => ({ url: redisAddress(redis), tls: tlsOptions(redis.tls) })

const isSameAccess = (one: Access, other: Access | null): boolean =>
  one.url === other?.url && isSameTls(one.tls, other.tls)

function newClient({ createClient }: Library, { url, tls }: Access) {
  const secure = url.startsWith('rediss:') ? tls : {}
  return createClient({
    url,
    RESP: 2,
    disableOfflineQueue: true,
    disableClientInfo: true,
    maintNotifications: 'disabled',
    commandsQueueMaxLength: MOST_COMMANDS,
    socket: {
      ...secure,
      connectTimeout: CONNECT_TIMEOUT_MS,
      reconnectStrategy: (retries: number) => backoffMs(retries, RECONNECT, Math.random()),
    },
  })
}

async function within<T>(limitMs: number, work: Promise<T>, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const limit = new Promise<never>((_, reject) => {
    const late = () => reject(new RedisError('REDIS_DOWN', `${what} within ${limitMs} ms`))
    // Where this process itself was held up, timers may run before sockets: what is here already is read first.
    timer = setTimeout(() => setImmediate(late), limitMs)
  })
  try {
    return await Promise.race([work, limit])
  } finally {
    clearTimeout(timer)
  }
}

function reasonOf(error: unknown): string {
  const { message, code } = error as { message?: string; code?: string }
  return message || code || String(error)
}
